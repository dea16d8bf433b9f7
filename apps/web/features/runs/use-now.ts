"use client";
import { useEffect, useState } from "react";

// The time, again every `seconds` while it is needed; the server draws none.
export function useNowMilliseconds(seconds: number, on: boolean): number | null {
  const [now, setNow] = useState<number | null>(null);
  useEffect(() => {
    setNow(Date.now());
    if (!on) return;
    const timer = setInterval(() => setNow(Date.now()), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds, on]);
  return now;
}
