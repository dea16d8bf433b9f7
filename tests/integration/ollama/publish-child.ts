import { appendFileSync } from "node:fs";
import { OllamaClient, parseOllamaHost, publish } from "@anneal/ollama";
import { optionsFor } from "./support.ts";

// Publishes one file and can kill itself on the way, as a power cut would: URL NAME FILE PHASE[:N] LOG. The N-th report
// of that phase is the last thing it does; "never" lets it end.
const [url = "", name = "", file = "", where = "never", log = ""] = process.argv.slice(2);
const [phase, nth = "1"] = where.split(":");
let seen = 0;
await publish(optionsFor(name, file), {
  client: new OllamaClient(parseOllamaHost(url)),
  onProgress: (progress) => {
    if (progress.phase !== phase) return;
    seen += 1;
    if (seen < Number(nth)) return;
    appendFileSync(log, `${where}\n`);
    process.kill(process.pid, "SIGKILL");
  },
});
