import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const cookieName = "anneal.device";
const yearSeconds = 365 * 86_400;

/**
 * A browser that signed in once keeps a cookie that says so, for this account alone. It opens nothing; its guesses are counted by
 * themselves, so that strangers who use up the tries of an account shut nobody out who was here before.
 */
export function createDevices(key: Buffer, secure: boolean) {
  const mark = (email: string, nonce: string) =>
    createHmac("sha256", key).update(`${email}\n${nonce}`).digest("base64url");

  return {
    /** The device's own number, if the request's cookie is one of ours for this account. */
    of(headers: Headers, email: string): string | null {
      for (const part of (headers.get("cookie") ?? "").split(";")) {
        const [name, value = ""] = part.trim().split("=", 2);
        const [nonce = "", given = ""] = value.split(".");
        if (name !== cookieName || nonce === "") continue;
        const [a, b] = [Buffer.from(given), Buffer.from(mark(email, nonce))];
        if (a.length === b.length && timingSafeEqual(a, b)) return nonce;
      }
      return null;
    },
    /** The Set-Cookie header that a successful sign-in adds. */
    cookie(email: string): string {
      const nonce = randomBytes(18).toString("base64url");
      const attributes = `Path=/api; Max-Age=${yearSeconds}; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
      return `${cookieName}=${nonce}.${mark(email, nonce)}; ${attributes}`;
    },
  };
}
export type Devices = ReturnType<typeof createDevices>;
