import type { Command } from "commander";
import { type AnnealClient, type Connection, createAnnealClient } from "../client.ts";
import { findConnection } from "../local.ts";

interface GlobalOptions {
  json?: boolean;
  url?: string;
  token?: string;
  project?: string;
}

/** What a command works with. */
export interface Session {
  json: boolean;
  connection: Connection;
  client: AnnealClient;
  /** Machine output to stdout under --json, else the words. */
  print(value: unknown, words: () => string): void;
}

export function openSession(command: Command): Session {
  const options = command.optsWithGlobals<GlobalOptions>();
  const environment = {
    ...process.env,
    ...(options.url ? { ANNEAL_URL: options.url } : {}),
    ...(options.project ? { ANNEAL_PROJECT: options.project } : {}),
    ...(options.token ? { ANNEAL_TOKEN: options.token } : {}),
  };
  const connection = findConnection(environment, process.cwd());
  const json = options.json ?? false;
  return {
    json,
    connection,
    client: createAnnealClient(connection),
    print: (value, words) => console.log(json ? JSON.stringify(value, null, 2) : words()),
  };
}
