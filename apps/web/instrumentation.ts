// Runs once when the server starts. NEXT_RUNTIME is filled in by the bundler, not read from the environment.
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== "nodejs") return;
  const { start } = await import("./server/start.ts");
  start();
}
