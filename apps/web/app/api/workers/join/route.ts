import { postJoin } from "../../../../server/http/join.ts";

export const dynamic = "force-dynamic";
export const POST = postJoin;
