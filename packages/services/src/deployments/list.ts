import { api } from "@anneal/contracts";
import { verb } from "../verb.ts";
import { findDeployments } from "./find.ts";

export const list = verb(api.deployments.list, (ctx, input) => findDeployments(ctx, { runId: input?.runId }));
