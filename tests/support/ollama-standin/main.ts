import { parseArgs } from "node:util";
import { startOllamaStandin } from "./index.ts";

const usage = `A local stand-in of Ollama's HTTP protocol, for tests and for trying things without Ollama.

usage: npm run -s ollama-standin -- [--port N] [--models DIR] [--fault SPEC]... [--answers llama|marked]

  --port N       port to listen on, 127.0.0.1 only (default 11434)
  --models DIR   folder of the model store, laid out as Ollama's (default: a temporary one)
  --fault SPEC   METHOD PATH[#N[+]]=500|refuse|hang|slow:MS|break[:LINES]; may be given several times
                 e.g. "POST /api/create#2=500", "POST /api/blobs#1=break", "GET /api/tags=slow:300"
  --answers      llama: real llama.cpp where it loads the model (default); marked: a fixed, marked text
  --version V    what /api/version says (default 0.0.0)
  --help         this text`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "11434" },
      models: { type: "string" },
      fault: { type: "string", multiple: true, default: [] },
      answers: { type: "string", default: "llama" },
      version: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new Error(`--port ${values.port}: give a number from 0 to 65535`);
  if (values.answers !== "llama" && values.answers !== "marked")
    throw new Error(`--answers ${values.answers}: give llama or marked`);
  const standin = await startOllamaStandin({
    port,
    faults: values.fault,
    answers: values.answers,
    ...(values.models === undefined ? {} : { models: values.models }),
    ...(values.version === undefined ? {} : { version: values.version }),
  });
  console.log(`the stand-in of Ollama listens on ${standin.url}; its models lie in ${standin.models}`);
  await new Promise<void>((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
  await standin.stop();
  return 0;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(2);
  },
);
