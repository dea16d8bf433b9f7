import { isAbsolute } from "node:path";
import { ServiceError, say, type Words } from "@anneal/contracts";
import { LocalBackend } from "./local.ts";
import { S3Backend } from "./s3.ts";
import type { S3Limits } from "./s3-client.ts";
import { Store, type StoreOptions } from "./store.ts";

export interface StoreKeys {
  accessKeyId?: string | undefined;
  secretAccessKey?: string | undefined;
  sessionToken?: string | undefined;
  endpoint?: string | undefined;
  region?: string | undefined;
}

const wrong = (why: Words, remedy: Words) =>
  new ServiceError("INVALID_INPUT", say`${"ANNEAL_STORE"}: ${why}`, { field: "ANNEAL_STORE", remedy });

/** A store by its location: an absolute folder, or s3://BUCKET/PREFIX?endpoint=URL&region=NAME. */
export function openStore(
  location: string,
  keys: StoreKeys,
  options: StoreOptions & { limits?: S3Limits } = {},
): Store {
  if (!location.startsWith("s3://")) {
    if (!isAbsolute(location))
      throw wrong(say`${location} is neither an absolute folder nor s3://BUCKET`, say`name one of them`);
    return new Store(new LocalBackend(location), options);
  }
  const url = new URL(location);
  const region = url.searchParams.get("region") ?? keys.region ?? "us-east-1";
  const endpoint = url.searchParams.get("endpoint") ?? keys.endpoint ?? `https://s3.${region}.amazonaws.com`;
  if (!/^https?:\/\/[^/]/.test(endpoint))
    throw wrong(say`the endpoint ${endpoint} is no http or https address`, say`write it as http://HOST:PORT`);
  if (!url.hostname) throw wrong(say`it names no bucket`, say`write it as s3://BUCKET`);
  const { accessKeyId, secretAccessKey, sessionToken } = keys;
  if (!accessKeyId || !secretAccessKey)
    throw wrong(say`a bucket needs keys`, say`set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`);
  const path = url.pathname.replace(/^\/+|\/+$/g, "");
  const settings = { endpoint, bucket: url.hostname, region, accessKeyId, secretAccessKey };
  return new Store(
    new S3Backend({ ...settings, ...(sessionToken ? { sessionToken } : {}) }, path ? `${path}/` : "", options.limits),
    options,
  );
}
