import { ServiceError, say } from "@anneal/contracts";

const tooLarge = (maxBytes: number) =>
  new ServiceError("TOO_LARGE", say`the request's body has more than ${maxBytes} bytes`, {
    field: "body",
    remedy: say`send less at once`,
  });

/** The same request, whose body breaks off at `maxBytes`, whatever its headers promise. */
export function capBody(request: Request, maxBytes: number): Request {
  if (!request.body) return request;
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
  let seen = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      seen += chunk.byteLength;
      if (seen > maxBytes) controller.error(tooLarge(maxBytes));
      else controller.enqueue(chunk);
    },
  });
  const init: RequestInit & { duplex: "half" } = {
    method: request.method,
    headers: request.headers,
    // Cancelling would end the connection before the refusal is sent; the console's server drops what is left.
    body: request.body.pipeThrough(counter, { preventCancel: true }),
    signal: request.signal,
    duplex: "half",
  };
  return new Request(request.url, init);
}

export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  const text = await capBody(request, maxBytes).text();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ServiceError("INVALID_INPUT", say`the request's body is not JSON`, {
      field: "body",
      remedy: say`send a JSON object`,
      cause: error,
    });
  }
}
