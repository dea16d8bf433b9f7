import { ServiceError, say } from "@anneal/contracts";

const bare = (host: string) => host.toLowerCase().replace(/:\d+$/, "");

/** Refuses names that are not ours: a hostile page can let its own name point here and read what it likes (DNS rebinding). */
export function requireKnownHost(headers: Headers, allowedHosts: readonly string[]): void {
  const host = headers.get("host") ?? "";
  if (allowedHosts.includes(bare(host))) return;
  throw new ServiceError("FORBIDDEN", say`this server does not answer to the name "${host.slice(0, 200)}"`, {
    field: "host",
    remedy: say`use its own name or address, or add the name to ANNEAL_HOSTS`,
  });
}

const refusal = (what: string) =>
  new ServiceError("FORBIDDEN", say`the request comes from another site (${what})`, {
    field: "origin",
    remedy: say`use Anneal's own page; programs send an API token and no Origin`,
  });

/** Cookies travel with requests that other pages make; those pages cannot hide where they are. */
export function requireSameSite(request: Request, publicUrl: string | undefined): void {
  const site = request.headers.get("sec-fetch-site");
  if (site && site !== "same-origin" && site !== "none") throw refusal(site);
  const origin = request.headers.get("origin");
  if (origin === null) return;
  const host = request.headers.get("host") ?? "";
  const own = publicUrl ? new URL(publicUrl) : null;
  if (origin === own?.origin) return;
  const from = URL.canParse(origin) ? new URL(origin) : null;
  // Where the public address is known, its name under another scheme is another site.
  if (from && from.host === host.toLowerCase() && from.hostname !== own?.hostname) return;
  throw refusal(origin.slice(0, 200));
}
