import { api } from "@anneal/contracts";
import { verb } from "../verb.ts";
import { findDatasets } from "./summary.ts";

export const list = verb(api.datasets.list, (ctx) => findDatasets(ctx.db));
