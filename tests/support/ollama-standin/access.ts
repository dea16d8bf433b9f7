import type http from "node:http";
import { hostname, networkInterfaces } from "node:os";

const localNames = ["localhost", "local", "internal"];

function isOwnAddress(host: string): boolean {
  if (/^127\./.test(host) || host === "::1" || host === "0.0.0.0" || host === "::") return true;
  if (/^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)|^f[cd]/i.test(host)) return true;
  return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === host));
}

// A server that listens on loopback answers only requests that name it locally (against DNS rebinding).
export function hostAllowed(header: string | undefined): boolean {
  const text = header ?? "";
  // An IPv6 address is understood only with a port behind it.
  const host = (/^\[([^\]]*)\]:\d+$/.exec(text)?.[1] ?? text.replace(/^([^:]*):\d+$/, "$1")).toLowerCase();
  if (/^[\d.]+$|:/.test(host)) return isOwnAddress(host);
  if (host === "" || host === "localhost" || host === hostname().toLowerCase()) return true;
  return localNames.some((name) => host.endsWith(`.${name}`));
}

const localOrigin = /^https?:\/\/(localhost|127\.0\.0\.1|0\.0\.0\.0)(:\d+)?$/;
const appOrigin = /^(app|file|tauri|vscode-webview|vscode-file):\/\//;

export type OriginVerdict = { allowed: false } | { allowed: true; echo: string | null };

export function checkOrigin(request: http.IncomingMessage): OriginVerdict {
  const { origin, host } = request.headers;
  if (!origin || origin === `http://${host}` || origin === `https://${host}`) return { allowed: true, echo: null };
  return localOrigin.test(origin) || appOrigin.test(origin) ? { allowed: true, echo: origin } : { allowed: false };
}
