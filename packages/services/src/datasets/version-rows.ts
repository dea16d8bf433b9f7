import { api } from "@anneal/contracts";
import { verb } from "../verb.ts";

export const rows = verb(api.datasets.rows, (ctx, input) => ctx.work.ask(ctx, "dataset.rows", input));
