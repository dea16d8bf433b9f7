import { z } from "zod";
import type { BodyLimits } from "./body.ts";

// What the console's server reads from the environment before Next is there; the rest is ../env.ts.
const Variables = z.object({
  ANNEAL_REQUEST_SECONDS: z.coerce.number().positive().default(300),
  ANNEAL_UPLOAD_STALL_SECONDS: z.coerce.number().positive().default(120),
});

/** Next is to run as it was built. */
export function readConsoleEnv(environment: NodeJS.ProcessEnv = process.env): BodyLimits {
  Object.assign(environment, { NODE_ENV: "production" });
  const v = Variables.parse(environment);
  return { requestSeconds: v.ANNEAL_REQUEST_SECONDS, stallSeconds: v.ANNEAL_UPLOAD_STALL_SECONDS };
}
