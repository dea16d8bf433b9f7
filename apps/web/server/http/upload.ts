import { ServiceError, say } from "@anneal/contracts";
import { datasets, requirePermission } from "@anneal/services";
import { contextFor, requireCaller } from "../identify.ts";
import { edge } from "./edge.ts";

async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.releaseLock(); // no cancel: it would end the connection before a refusal is sent
  }
}

/** PUT /api/uploads?name=FILE: the body goes to the disk as it comes; the answer says what was found in it. */
export const putUpload = edge(async (request, server) => {
  const caller = await requireCaller(server, request);
  // Before anything of the body is read.
  requirePermission(caller.actor, "datasets:write");
  const fileName = new URL(request.url).searchParams.get("name") ?? "";
  const maxBytes = server.env.uploadMaxBytes;
  const promised = Number(request.headers.get("content-length") ?? 0) || 0;
  if (promised > maxBytes)
    throw new ServiceError("TOO_LARGE", say`the file has ${promised} bytes, more than the ${maxBytes} allowed`, {
      field: "body",
      remedy: say`split the file, put it into a folder of ANNEAL_DATA_DIRS, or raise ANNEAL_UPLOAD_MAX_BYTES`,
    });
  if (!request.body)
    throw new ServiceError("INVALID_INPUT", say`the request has no body`, {
      field: "body",
      remedy: say`send the file as the request's body`,
    });
  const inspection = await datasets.receiveUpload(contextFor(server, caller, request.signal), {
    fileName,
    body: chunksOf(request.body),
    maxBytes,
    expectedBytes: promised,
  });
  return Response.json(inspection);
});
