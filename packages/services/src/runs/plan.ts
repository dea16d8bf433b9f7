import { api } from "@anneal/contracts";
import { verb } from "../verb.ts";
import { planFor } from "./planning/plan-for.ts";

// A form asks after every change; the first probe of a model may take longer than a person should wait for the rest.
const waitForSpeedMilliseconds = 4000;

export const plan = verb(
  api.runs.plan,
  async (ctx, { spec }) => (await planFor(ctx, spec, { waitForSpeedMilliseconds, pin: false })).plan,
);
