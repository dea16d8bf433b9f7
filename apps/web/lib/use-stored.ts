"use client";
import { useCallback, useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
const subscribe = (listener: () => void) => {
  listeners.add(listener);
  window.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", listener);
  };
};

// A small setting remembered in this browser. `read` turns the stored text (or null) into a value and refuses nonsense;
// it must give the same object for the same text, so values are primitive. Storage that is switched off is no fault.
export function useStored<T extends string | number | boolean>(
  key: string,
  read: (text: string | null) => T,
): [T, (value: T) => void] {
  const name = `anneal.${key}`;
  const text = useSyncExternalStore(
    subscribe,
    () => fromStorage(name),
    () => null,
  );
  const write = useCallback(
    (value: T) => {
      try {
        window.localStorage.setItem(name, String(value));
      } catch (error) {
        console.warn(`${name} is not remembered`, error);
      }
      for (const listener of listeners) listener();
    },
    [name],
  );
  return [read(text), write];
}

function fromStorage(name: string): string | null {
  try {
    return window.localStorage.getItem(name);
  } catch {
    return null; // private windows may refuse storage; the default serves
  }
}
