import { readConsoleEnv } from "../console/env.ts";
import { closeConsoleServer, createConsoleServer } from "../console/serve.ts";

// The console: Next's handler behind a server of our own, since Next's cuts every request after five minutes and waits for
// open streams when it ends. Started in apps/web, as `console.mjs ADDRESS PORT`.
const [host = "127.0.0.1", port = "3210"] = process.argv.slice(2);
const limits = readConsoleEnv();
const { default: next } = await import("next");
const app = next({ dev: false, dir: process.cwd(), hostname: host, port: Number(port) });
await app.prepare();
const server = createConsoleServer(app.getRequestHandler(), limits);
server.once("error", (error) => {
  console.error(`the console cannot listen at ${host}:${port}: ${error.message}`);
  process.exit(1);
});
server.listen(Number(port), host);

let closing = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => {
    if (closing) return;
    closing = true;
    void closeConsoleServer(server).then(() => process.exit(0));
  });
