import { postLocalPassword } from "../../../../server/http/local.ts";

export const dynamic = "force-dynamic";
export const POST = postLocalPassword;
