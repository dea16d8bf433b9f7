import { join } from "node:path";
import { openStore, StoreCache, type StoreKeys } from "@anneal/store";
import { homeId } from "../home-id.ts";

export interface FilesSettings {
  home: string;
  /** ANNEAL_STORE; null: a folder of the home. */
  location: string | null;
  keys: StoreKeys;
  cacheBytes: number;
  /** False only in negative controls of tests. */
  verify: boolean;
}

/** The store of this installation, and its objects as files of this machine. */
export function openFiles({ home, location, keys, cacheBytes, verify }: FilesSettings): StoreCache {
  // A home's own store has the home's identity: runs of a home from before there were stores are known by it.
  const store = openStore(location ?? join(home, "store"), keys, {
    verify,
    ...(location === null ? { knownAs: homeId(home) } : {}),
  });
  return new StoreCache(store, join(home, "cache"), cacheBytes);
}
