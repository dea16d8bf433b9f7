import { putUpload } from "../../../server/http/upload.ts";

export const dynamic = "force-dynamic";
export const PUT = putUpload;
