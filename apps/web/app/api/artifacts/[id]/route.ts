import { getArtifact } from "../../../../server/http/artifact.ts";

export const dynamic = "force-dynamic";
export const GET = getArtifact;
export const HEAD = getArtifact;
