import { getSetup, postSetup } from "../../../server/http/setup.ts";

export const dynamic = "force-dynamic";
export const GET = getSetup;
export const POST = postSetup;
