import { api } from "@anneal/contracts";
import { verb } from "../verb.ts";

export const check = verb(api.datasets.check, (ctx, input) => ctx.work.ask(ctx, "dataset.check", input));
