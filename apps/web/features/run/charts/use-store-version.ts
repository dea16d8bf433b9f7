"use client";
import { useEffect, useState } from "react";
import type { SeriesStore } from "../../../lib/series.ts";

// The store's version, told at most every `milliseconds`: a quick run takes many steps a second, the eye does not.
export function useStoreVersion(store: SeriesStore, milliseconds = 400): number {
  const [version, setVersion] = useState(store.version());
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tell = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        setVersion(store.version());
      }, milliseconds);
    };
    setVersion(store.version());
    const unsubscribe = store.subscribe(tell);
    return () => {
      unsubscribe();
      clearTimeout(timer);
    };
  }, [store, milliseconds]);
  return version;
}
