// A test that the type checker runs: the router answers each procedure of the contracts' table, no other, with the table's types.
import type { Api } from "@anneal/contracts";
import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server";
import type { z } from "zod";
import type { AppRouter } from "./router.ts";

type Table<Part extends "input" | "output"> = {
  [Group in keyof Api]: {
    [Name in keyof Api[Group]]: Api[Group][Name] extends { [P in Part]: infer Schema extends z.ZodType }
      ? Part extends "input"
        ? z.input<Schema>
        : z.output<Schema>
      : never;
  };
};
type Names<T> = { [Group in keyof T]: `${Group & string}.${keyof T[Group] & string}` }[keyof T];
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
const holds = <T extends true>(value: T) => value;

holds<Same<Names<inferRouterInputs<AppRouter>>, Names<Api>>>(true);
// What a caller may leave out is `void` to tRPC and `undefined` to zod; all inputs are objects.
type Given<T> = { [Group in keyof T]: { [Name in keyof T[Group]]: Extract<T[Group][Name], object> } };
holds<Same<Given<inferRouterInputs<AppRouter>>, Given<Table<"input">>>>(true);
// A subscription's value comes in an envelope with its number; queries and mutations answer what the table says.
type Calls<T> = { [Group in keyof T]: { [Name in Exclude<keyof T[Group], "watch" | "watchAll">]: T[Group][Name] } };
holds<Same<Calls<inferRouterOutputs<AppRouter>>, Calls<Table<"output">>>>(true);

// @ts-expect-error a router without one of the table's procedures
holds<Same<Exclude<Names<inferRouterInputs<AppRouter>>, "runs.get">, Names<Api>>>(true);
