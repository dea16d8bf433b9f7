import { told, wordsOfError } from "@anneal/contracts";
import { findStoredModel, listStoredModels, OllamaClient, parseOllamaHost } from "@anneal/ollama";
import type { OllamaPort } from "@anneal/services";

/** What the services need of Ollama, over its client and its store on this machine. */
export function createOllamaPort(client: OllamaClient, storeFolder: string): OllamaPort {
  const host = client.base.toString();
  return {
    async status() {
      try {
        return { host, reachable: true, version: await client.version(), message: null };
      } catch (error) {
        return { host, reachable: false, version: null, ...told({ message: wordsOfError(error) }) };
      }
    },
    listStored: () => listStoredModels(storeFolder),
    findStored: (name) => findStoredModel(storeFolder, name),
  };
}

export const createOllamaClient = (host: string): OllamaClient => new OllamaClient(parseOllamaHost(host));
