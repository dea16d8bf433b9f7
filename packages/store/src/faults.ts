import { ServiceError, say, type Words, wordsOfError } from "@anneal/contracts";

export const noObject = (store: Words, digest: string): ServiceError =>
  new ServiceError("NOT_FOUND", say`${store} has no object ${digest}`, {
    remedy: say`restore it from a backup of the store, or make it again`,
    details: { digest },
  });

export const damagedObject = (store: Words, digest: string): ServiceError =>
  new ServiceError("CONFLICT", say`${digest} in ${store} is damaged: its bytes are not those that were stored`, {
    remedy: say`restore it from a backup of the store, or make it again: storing the same bytes repairs it`,
    details: { digest },
  });

export const changedFile = (path: string, digest: string): ServiceError =>
  new ServiceError("CONFLICT", say`${path} is not what was to be stored: its digest is no longer ${digest}`, {
    remedy: say`make the file again`,
    details: { digest },
  });

export const unreachable = (store: Words, error: unknown): ServiceError =>
  new ServiceError("UNAVAILABLE", say`${store} does not answer: ${wordsOfError(error)}`, {
    remedy: say`see that the store runs and can be reached from this machine; what waits for it goes on by itself`,
    cause: error,
  });

export const refused = (store: Words, why: Words, remedy: Words): ServiceError =>
  new ServiceError("PRECONDITION_FAILED", say`${store} refuses: ${why}`, { field: "ANNEAL_STORE", remedy });
