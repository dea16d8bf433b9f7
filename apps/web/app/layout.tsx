import type { Metadata, Viewport } from "next";
import { cookies, headers } from "next/headers";
import type { ReactNode } from "react";
import { Providers } from "../features/shell/providers.tsx";
import { localeCookie, negotiateLocale } from "../lib/locale.ts";
import { messages } from "../messages/index.ts";
import { phrases } from "../messages/phrases.ts";
import "./globals.css";

export const metadata: Metadata = { applicationName: "Anneal", referrer: "same-origin", robots: "noindex" };
export const viewport: Viewport = { width: "device-width", initialScale: 1 };

// The language comes from a cookie or the browser, never from the path: a link to a run reads in everyone's own language.
export default async function RootLayout({ children }: { children: ReactNode }) {
  const [jar, head] = await Promise.all([cookies(), headers()]);
  const locale = negotiateLocale(jar.get(localeCookie)?.value, head.get("accept-language"));
  return (
    <html lang={locale} suppressHydrationWarning>
      <body>
        <Providers
          locale={locale}
          messages={messages[locale]}
          phrases={phrases[locale]}
          nonce={head.get("x-nonce") ?? undefined}
        >
          {children}
        </Providers>
      </body>
    </html>
  );
}
