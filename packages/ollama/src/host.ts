import { say, type Words } from "@anneal/contracts";
import { OllamaError } from "./error.ts";

export const defaultOllamaPort = 11434;

// Reads the OLLAMA_HOST forms that Ollama itself takes: HOST, HOST:PORT, :PORT, [IPV6]:PORT and URLs (http 80, https 443
// when a scheme is given without a port). A listening address (0.0.0.0, ::) becomes the loopback address to call.
export function parseOllamaHost(value: string | undefined | null): URL {
  const raw = (value ?? "").trim().replace(/^["']|["']$/g, "");
  const fail = (why: Words) =>
    new OllamaError("OLLAMA_NAME_INVALID", say`OLLAMA_HOST "${raw}" is not an address: ${why}`, {
      remedy: say`write HOST:PORT, such as 127.0.0.1:11434, or an http:// URL`,
    });
  const scheme = /^([a-z]+):\/\//i.exec(raw)?.[1]?.toLowerCase();
  if (scheme && scheme !== "http" && scheme !== "https") throw fail(say`unknown scheme ${scheme}`);
  let rest = scheme ? raw.slice(scheme.length + 3) : raw;
  const slash = rest.indexOf("/");
  const path = slash < 0 ? "" : rest.slice(slash).replace(/\/+$/, "");
  if (slash >= 0) rest = rest.slice(0, slash);
  if (/[@?#\s\\]/.test(rest)) throw fail(say`only a host and a port are allowed there`);
  const bracketed = /^\[([0-9a-f:.]+)\](?::(\d+))?$/i.exec(rest);
  const bareIpv6 = bracketed ? null : /^[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*$/i.exec(rest);
  const plain = bracketed || bareIpv6 ? null : /^([^:]*)(?::(\d+))?$/.exec(rest);
  if (!bracketed && !bareIpv6 && !plain) throw fail(say`only a host and a port are allowed there`);
  const host = bracketed?.[1] ?? (bareIpv6 ? rest : plain?.[1]) ?? "";
  const portText = bracketed?.[2] ?? plain?.[2];
  const port = portText ? Number(portText) : scheme === "https" ? 443 : scheme === "http" ? 80 : defaultOllamaPort;
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw fail(say`port ${portText} is outside 1 to 65535`);
  const called = host === "" || host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  try {
    return new URL(`${scheme ?? "http"}://${called.includes(":") ? `[${called}]` : called}:${port}${path}/`);
  } catch (error) {
    throw fail(error instanceof Error ? error.message : String(error));
  }
}
