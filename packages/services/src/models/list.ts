import { api } from "@anneal/contracts";
import { verb } from "../verb.ts";

/** The registry, what runs made, Ollama's store and the model folders, each place once. */
export const list = verb(api.models.list, (ctx) => ctx.work.ask(ctx, "model.list", {}));
