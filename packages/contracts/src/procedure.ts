import type { z } from "zod";
import type { Permission } from "./permissions.ts";
import { strict } from "./strict.ts";

/** One row of the table of procedures: what goes in, what comes out, who may call. */
export const procedure = <
  K extends "query" | "mutation" | "subscription",
  P extends Permission,
  I extends z.ZodType,
  O extends z.ZodType,
>(
  kind: K,
  permission: P,
  input: I,
  output: O,
) => ({ kind, permission, input, output }) as const;

export const none = strict({}).optional();
