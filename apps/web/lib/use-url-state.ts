"use client";
import { usePathname, useSearchParams } from "next/navigation";
import { useCallback } from "react";

// A choice of the page that stands in the address, so that a link or a reload shows the same. The default is left out.
export function useUrlState<T extends string>(key: string, read: (text: string | null) => T): [T, (value: T) => void] {
  const parameters = useSearchParams();
  const pathname = usePathname();
  const value = read(parameters.get(key));
  const write = useCallback(
    (next: T) => {
      // replaceState keeps the page as it is; next/navigation follows it without asking the server.
      window.history.replaceState(null, "", addressWith(pathname, window.location.search, key, next, read(null)));
    },
    [key, pathname, read],
  );
  return [value, write];
}

export function addressWith(pathname: string, search: string, key: string, value: string, fallback: string): string {
  const parameters = new URLSearchParams(search);
  if (value === fallback) parameters.delete(key);
  else parameters.set(key, value);
  const text = parameters.toString();
  return text ? `${pathname}?${text}` : pathname;
}
