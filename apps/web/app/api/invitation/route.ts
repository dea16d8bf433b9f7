import { postInvitation, putInvitation } from "../../../server/http/invitation.ts";

export const dynamic = "force-dynamic";
export const PUT = putInvitation;
export const POST = postInvitation;
