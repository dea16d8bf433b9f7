"use client";
import { useTranslations } from "next-intl";
import { visible } from "../../lib/format.ts";

// Names that Anneal gives itself (server/local-client.ts, services' setup), by the keys of their words.
const own: Readonly<Record<string, string>> = {
  "Command line of this machine": "commandLine",
  "first-time setup": "setup",
};

/** A name as it was stored, or in the person's language where Anneal gave it. */
export function useOwnName(): (name: string) => string {
  const t = useTranslations("settings.ownNames");
  return (name) => {
    const key = Object.hasOwn(own, name) ? own[name] : undefined;
    return key ? t(key) : visible(name);
  };
}
