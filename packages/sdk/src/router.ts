import type { Api } from "@anneal/contracts";
import type {
  TRPCBuiltRouter,
  TRPCDefaultErrorShape,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
  TRPCSubscriptionProcedure,
} from "@trpc/server";
import type { z } from "zod";

type Input<T> = T extends { input: infer I extends z.ZodType } ? z.input<I> : never;
type Output<T> = T extends { output: infer O extends z.ZodType } ? z.output<O> : never;

interface Definition<In, Out> {
  input: In;
  output: Out;
  meta: unknown;
}
type Procedure<T> = T extends { kind: "query" }
  ? TRPCQueryProcedure<Definition<Input<T>, Output<T>>>
  : T extends { kind: "mutation" }
    ? TRPCMutationProcedure<Definition<Input<T>, Output<T>>>
    : TRPCSubscriptionProcedure<Definition<Input<T>, AsyncIterable<{ id: string; data: Output<T> }, void, unknown>>>;

type Procedures = { [Group in keyof Api]: { [Name in keyof Api[Group]]: Procedure<Api[Group][Name]> } };

interface Root {
  ctx: object;
  meta: object;
  errorShape: TRPCDefaultErrorShape;
  transformer: false;
}

/** The server's router as the contracts' table describes it: the client needs nothing of the server's code. */
export type AnnealRouter = TRPCBuiltRouter<Root, Procedures>;
