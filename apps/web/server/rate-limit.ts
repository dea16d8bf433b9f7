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
        throw new ServiceError("RATE_LIMITED", say`too many tries in a short time`, {
          remedy: say`wait ${wait} seconds and try again`,
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
export type RateLimit = ReturnType<typeof createRateLimit>;

// By account, not by address: addresses come from headers that a caller can make up.
export const createRateLimits = () => ({
  signIn: createRateLimit(10, 60),
  signInOverall: createRateLimit(120, 60),
  setup: createRateLimit(10, 60),
});
export type RateLimits = ReturnType<typeof createRateLimits>;
