"use client";
import { usePathname, useSearchParams } from "next/navigation";
import { useCallback, useEffect, useState } from "react";

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

const readText = (text: string | null) => text ?? "";

// What a person types, in the address, too. The field holds its own text: the address follows a moment later, and a field
// that waited for it would lose letters. A link that clears the address clears the field.
export function useUrlText(key: string): [string, (text: string) => void] {
  const [fromAddress, write] = useUrlState(key, readText);
  const [text, setText] = useState(fromAddress);
  useEffect(() => {
    if (fromAddress === "") setText("");
  }, [fromAddress]);
  const change = useCallback(
    (next: string) => {
      setText(next);
      write(next);
    },
    [write],
  );
  return [text, change];
}

export function addressWith(pathname: string, search: string, key: string, value: string, fallback: string): string {
  const parameters = new URLSearchParams(search);
  if (value === fallback) parameters.delete(key);
  else parameters.set(key, value);
  const text = parameters.toString();
  return text ? `${pathname}?${text}` : pathname;
}
