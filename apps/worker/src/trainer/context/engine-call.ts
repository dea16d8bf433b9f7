import { EngineError } from "@anneal/engine";
import type { Control } from "./control.ts";
import { Stopped } from "./control.ts";

/** Turns the engine's "stopped" into what was asked for. */
export async function engineCall<T>(control: Control, work: () => Promise<T>): Promise<T> {
  control.throwIfStopped();
  try {
    return await work();
  } catch (error) {
    if (error instanceof EngineError && error.code === "ENGINE_STOPPED") throw new Stopped(control.stopped ?? "yield");
    throw error;
  }
}
