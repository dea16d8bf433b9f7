// A test that the type checker runs: each line marked "expect-error" must not compile, or the check fails.
import type { ServiceContext } from "@anneal/services";
import { z } from "zod";
import * as exported from "./trpc.ts";
import { mutation, query, subscription } from "./trpc.ts";

const input = z.object({});
const output = z.object({});
const verb = async (_ctx: ServiceContext, _input: object) => ({});
async function* stream(_ctx: ServiceContext, _input: object): AsyncGenerator<Record<string, never>> {}

// With a permission they compile.
query({ kind: "query", permission: "runs:read", input, output }, verb);
mutation({ kind: "mutation", permission: "runs:write", input, output }, verb);
subscription({ kind: "subscription", permission: "runs:read", input, output }, stream, () => "0");

// @ts-expect-error a query without a permission
query({ kind: "query", input, output }, verb);
// @ts-expect-error a mutation without a permission
mutation({ kind: "mutation", input, output }, verb);
// @ts-expect-error a subscription without a permission
subscription({ kind: "subscription", input, output }, stream, () => "0");
// @ts-expect-error a permission that nobody can have
query({ kind: "query", permission: "runs:everything", input, output }, verb);
// @ts-expect-error an empty permission
mutation({ kind: "mutation", permission: undefined, input, output }, verb);
// @ts-expect-error a mutation's declaration is no query's
query({ kind: "mutation", permission: "runs:write", input, output }, verb);
// @ts-expect-error a verb that answers something else than the contract says
query({ kind: "query", permission: "runs:read", input, output: z.object({ id: z.string() }) }, async () => ({ id: 1 }));
// @ts-expect-error no bare procedure, from which one without a permission could be made
void exported.procedure;
// @ts-expect-error nor the builder behind it
void exported.t;
