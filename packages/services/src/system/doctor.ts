import { api, type DoctorCheck, ServiceError, say, told, wordsOf } from "@anneal/contracts";
import { verb } from "../verb.ts";

/** The checks of the machine that trains; without a worker, that there is none. */
export const doctor = verb(api.system.doctor, async (ctx): Promise<DoctorCheck[]> => {
  try {
    return await ctx.work.ask(ctx, "machine.check", {});
  } catch (error) {
    if (!(error instanceof ServiceError && error.code === "UNAVAILABLE")) throw error;
    const { problem } = error;
    const texts = { name: say`Worker`, found: wordsOf(problem, "message"), remedy: wordsOf(problem, "remedy") };
    return [{ status: "missing", ...told(texts) }];
  }
});
