import { api } from "@anneal/contracts";
import { verb } from "../verb.ts";

export const inspect = verb(
  api.models.inspect,
  async (ctx, { ref }) => (await ctx.work.ask(ctx, "model.examine", { ref, loadText: false })).summary,
);
