import { readEnv } from "../env.ts";
import { startAnneal } from "./start.ts";

// ./anneal up: everything of this machine in one terminal.
if (process.argv.includes("--help")) {
  console.log(`Usage: ./anneal up

Starts Postgres (embedded, unless DATABASE_URL names yours), the console and a worker, and keeps them running.
Ctrl-C stops them; a run in progress is saved and goes on at the next start.

  ANNEAL_PORT   port of the console (3210)
  ANNEAL_BIND   address to listen on (127.0.0.1)
  ANNEAL_HOME   data, logs and models (.anneal)`);
  process.exit(0);
}

const echoMilliseconds = 300;
const env = readEnv();
process.umask(0o077); // also of worker and console: what lies in the home is its owner's alone
const say = (line: string) => console.log(line);
try {
  const anneal = await startAnneal({
    home: env.home,
    port: env.port,
    host: env.bind,
    publicUrl: env.publicUrl,
    databaseUrl: env.databaseUrl,
    say,
  });
  console.log(`\n  Anneal runs at ${anneal.url}`);
  if (anneal.setupLink)
    console.log(`  Make the first administrator (link works once, for a day):\n  ${anneal.setupLink}`);
  console.log(`  Logs: ${env.home}/logs    Ctrl-C stops everything\n`);
  let stoppingSince: number | null = null;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      if (stoppingSince !== null) {
        // A wrapper may pass on what the terminal sent to us as well, and a terminal that closes hangs up behind it.
        if (signal === "SIGHUP" || Date.now() - stoppingSince < echoMilliseconds) return;
        console.log("Stopping at once: a run in progress will go on from its last checkpoint.");
        anneal.kill();
        process.exit(130);
      }
      stoppingSince = Date.now();
      console.log("Stopping: the worker saves what it is at (Ctrl-C again stops at once) ...");
      anneal.stop().then(
        () => process.exit(0),
        (error: unknown) => {
          console.error(`could not stop cleanly: ${String(error)}`);
          process.exit(1);
        },
      );
    });
} catch (error) {
  console.error(`anneal: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
