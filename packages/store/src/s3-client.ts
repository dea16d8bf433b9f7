import { say, type Words } from "@anneal/contracts";
import { AwsClient } from "aws4fetch";
import { refused, unreachable } from "./faults.ts";

export interface S3Settings {
  endpoint: string; // http://host:9000, or https://s3.REGION.amazonaws.com
  bucket: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export interface S3Limits {
  /** Without a byte for so long, a request is given up and made again. */
  timeoutSeconds: number;
  /** Tries of one request; the pause before each is twice the one before. */
  tries: number;
  firstPauseSeconds: number;
}
export const usualLimits: S3Limits = { timeoutSeconds: 60, tries: 6, firstPauseSeconds: 0.25 };

export interface S3Request {
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  key?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Uint8Array;
  sha256?: string; // of the body, hex: signed, so that the server checks what arrives
  accept: number[]; // statuses that are answers; others are errors
  signal?: AbortSignal;
}

const emptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
// What a server says when the same request may succeed a moment later.
const passing = new Set([408, 409, 425, 429, 500, 502, 503, 504]);

/** The text of the first element of that name. */
export const element = (xml: string, name: string): string | null =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? null;

/** Signed requests to one bucket: each with a limit of silence, repeated while the server is away or busy. */
export class S3Client {
  readonly name: Words;
  readonly location: string;
  private readonly aws: AwsClient;
  constructor(
    settings: S3Settings,
    readonly limits: S3Limits = usualLimits,
  ) {
    const { endpoint, bucket, region, accessKeyId, secretAccessKey, sessionToken } = settings;
    this.aws = new AwsClient({ accessKeyId, secretAccessKey, sessionToken, region, service: "s3", retries: 0 });
    this.name = say`the bucket ${bucket} at ${endpoint}`;
    this.location = `${endpoint.replace(/\/+$/, "")}/${bucket}`;
  }

  private url({ key, query = {} }: S3Request): string {
    const path = key === undefined ? "" : `/${key.split("/").map(encodeURIComponent).join("/")}`;
    const search = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    return `${this.location}${path}${search.length > 0 ? `?${search.join("&")}` : ""}`;
  }

  /** An answer with one of the accepted statuses; its body is still to be read. */
  async send(request: S3Request): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      let problem: unknown;
      try {
        const answer = await this.once(request);
        if (request.accept.includes(answer.status)) return answer;
        const text = await answer.text();
        const code = element(text, "Code") ?? `status ${answer.status}`;
        const words = `${code}: ${element(text, "Message") ?? answer.statusText}`.slice(0, 500);
        if (!passing.has(answer.status)) throw this.refusal(answer.status, code, words);
        problem = new Error(words);
      } catch (error) {
        if (request.signal?.aborted) throw request.signal.reason;
        if (error instanceof Error && "problem" in error) throw error;
        problem = error;
      }
      if (attempt >= this.limits.tries) throw unreachable(this.name, causeOf(problem));
      await this.pause(attempt, request.signal);
    }
  }

  /** The pause before a further try, spread so that many workers do not come back at once. */
  async pause(attempt: number, signal?: AbortSignal): Promise<void> {
    const seconds = this.limits.firstPauseSeconds * 2 ** (attempt - 1) * (0.5 + Math.random());
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, seconds * 1000);
      function done() {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      }
      signal?.addEventListener("abort", done);
    });
    signal?.throwIfAborted();
  }

  private async once(request: S3Request): Promise<Response> {
    const { method, body, headers = {}, signal } = request;
    const signed = await this.aws.sign(this.url(request), {
      method,
      body: body as RequestInit["body"],
      headers: { ...headers, "x-amz-content-sha256": request.sha256 ?? emptySha256 },
    });
    const limit = AbortSignal.timeout(this.limits.timeoutSeconds * 1000);
    return fetch(signed.url, {
      method,
      headers: signed.headers,
      body: body as RequestInit["body"],
      redirect: "error",
      // Who streams an answer brings a signal that ends with silence; all else has one limit for the whole.
      signal: method === "GET" && signal ? signal : AbortSignal.any(signal ? [limit, signal] : [limit]),
    });
  }

  private refusal(status: number, code: string, words: string) {
    if (code === "NoSuchBucket" || (status === 404 && !code.startsWith("NoSuch")))
      return refused(this.name, words, say`make the bucket, or correct its name in ANNEAL_STORE`);
    if (status === 401 || status === 403)
      return refused(this.name, words, say`check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY and what they may do`);
    return refused(this.name, words, say`check ANNEAL_STORE and the server's log`);
  }
}

/** The words of what lies beneath "fetch failed". */
function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? error.cause : error;
}
