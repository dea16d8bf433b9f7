"use client";
import { useEffect, useState } from "react";

// True while the page is seen, and for graceSeconds after it was hidden: looking away for a moment costs no reconnect.
export function usePageVisible(graceSeconds: number): boolean {
  const [visible, setVisible] = useState(true);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const update = () => {
      clearTimeout(timer);
      if (document.visibilityState === "visible") setVisible(true);
      else timer = setTimeout(() => setVisible(false), graceSeconds * 1000);
    };
    update();
    document.addEventListener("visibilitychange", update);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", update);
    };
  }, [graceSeconds]);
  return visible;
}
