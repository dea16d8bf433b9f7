import { account } from "./account.ts";
import { cards } from "./cards.ts";
import type { Intent } from "./intent.ts";
import { payments } from "./payments.ts";
import { transfers } from "./transfers.ts";

export type { Intent } from "./intent.ts";

export const intents: readonly Intent[] = [...cards, ...payments, ...transfers, ...account];
