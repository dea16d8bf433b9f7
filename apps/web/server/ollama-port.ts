import { told, wordsOfError } from "@anneal/contracts";
import { findStoredModel, listStoredModels, OllamaClient, parseOllamaHost } from "@anneal/ollama";
import type { OllamaPort } from "@anneal/services";

// Of the whole answer: a server that sends a byte now and then is never silent, and every page waits for this.
const statusSeconds = 4;

/** Ollama as the services see it: is it there, and what lies in its store. Publishing is the worker's. */
export function createOllamaPort(host: string, storeFolder: string): OllamaPort {
  return {
    async status() {
      try {
        const client = new OllamaClient(parseOllamaHost(host), { connectTimeoutSeconds: 1, quickTimeoutSeconds: 3 });
        return {
          host,
          reachable: true,
          version: await client.version({ signal: AbortSignal.timeout(statusSeconds * 1000) }),
          message: null,
        };
      } catch (error) {
        return { host, reachable: false, version: null, ...told({ message: wordsOfError(error) }) };
      }
    },
    listStored: () => listStoredModels(storeFolder),
    findStored: (name) => findStoredModel(storeFolder, name),
  };
}
