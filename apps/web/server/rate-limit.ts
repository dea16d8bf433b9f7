import { ServiceError, say } from "@anneal/contracts";

interface Window {
  startedAt: number;
  count: number;
}

/** At most `max` takes of a key within `seconds`; remembers a bounded number of keys, so that made-up ones cost no memory. */
export function createRateLimit(max: number, seconds: number, now: () => number = Date.now, maxKeys = 10_000) {
  const windows = new Map<string, Window>();
  return {
    take(key: string): void {
      const at = now();
      const known = windows.get(key);
      const window = known && at - known.startedAt < seconds * 1000 ? known : { startedAt: at, count: 0 };
      if (window.count >= max) {
        const wait = Math.ceil((window.startedAt + seconds * 1000 - at) / 1000);
        throw new ServiceError("RATE_LIMITED", say`too many attempts in a short time`, {
          remedy: say`wait ${wait} [second|seconds] and try again`,
          details: { retryAfterSeconds: wait },
        });
      }
      window.count += 1;
      windows.delete(key); // the oldest use stays in front
      windows.set(key, window);
      if (windows.size > maxKeys) windows.delete(windows.keys().next().value ?? "");
    },
    clear: (key: string) => void windows.delete(key),
  };
}

interface Guess {
  email: string;
  address: string;
  device: string | null; // see devices.ts
}

/**
 * Tries at a password. Strangers are counted by account and address, and all of them together, since every try costs a slow hash;
 * a browser that signed in before is counted by itself. Addresses are those of connections, not of headers.
 */
export function createRateLimits(now: () => number = Date.now) {
  const device = createRateLimit(10, 60, now);
  const address = createRateLimit(10, 60, now);
  const account = createRateLimit(60, 60, now);
  const strangers = createRateLimit(120, 60, now);
  return {
    /** Counts one try; what comes back forgets the tries of who got in. */
    takeSignIn(guess: Guess): () => void {
      if (guess.device !== null) {
        const key = `${guess.email} ${guess.device}`;
        device.take(key);
        return () => device.clear(key);
      }
      const key = `${guess.email} ${guess.address}`;
      address.take(key);
      account.take(guess.email);
      strangers.take("");
      return () => address.clear(key);
    },
    password: createRateLimit(10, 60, now), // by account, in a session
    setup: createRateLimit(10, 60, now),
  };
}
export type RateLimits = ReturnType<typeof createRateLimits>;
