"use client";
import { mostBatchedCalls } from "@anneal/contracts";
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createTRPCClient, httpBatchLink, httpSubscriptionLink, splitLink } from "@trpc/client";
import { useRouter } from "next/navigation";
import { type AbstractIntlMessages, NextIntlClientProvider } from "next-intl";
import { ThemeProvider } from "next-themes";
import { type ReactNode, useState } from "react";
import { Toaster } from "sonner";
import { type PhraseCatalogue, PhrasesProvider } from "../../components/phrases.tsx";
import { TooltipProvider } from "../../components/ui/tooltip.tsx";
import type { Locale } from "../../lib/locale.ts";
import { isUnauthenticated, mayRetry } from "../../lib/problem.ts";
import { TRPCProvider } from "../../lib/trpc.ts";
import type { AppRouter } from "../../server/router.ts";

function makeClients(onSignedOut: () => void) {
  const onError = (error: unknown) => {
    if (isUnauthenticated(error)) onSignedOut();
  };
  const queryClient = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: { staleTime: 5_000, retry: (count, error) => count < 3 && mayRetry(error) },
      mutations: { retry: false },
    },
  });
  const trpcClient = createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: (operation) => operation.type === "subscription",
        true: httpSubscriptionLink({ url: "/api/trpc" }),
        false: httpBatchLink({ url: "/api/trpc", methodOverride: "POST", maxItems: mostBatchedCalls }),
      }),
    ],
  });
  return { queryClient, trpcClient };
}

export function Providers({
  locale,
  messages,
  phrases,
  nonce,
  children,
}: {
  locale: Locale;
  messages: AbstractIntlMessages;
  phrases: PhraseCatalogue;
  nonce: string | undefined;
  children: ReactNode;
}) {
  const router = useRouter();
  const [{ queryClient, trpcClient }] = useState(() =>
    makeClients(() => {
      const here = window.location.pathname + window.location.search;
      if (!here.startsWith("/sign-in")) router.replace(`/sign-in?next=${encodeURIComponent(here)}`);
    }),
  );
  return (
    <NextIntlClientProvider
      locale={locale}
      messages={messages}
      timeZone={Intl.DateTimeFormat().resolvedOptions().timeZone}
    >
      <ThemeProvider attribute="class" defaultTheme="system" enableSystem disableTransitionOnChange nonce={nonce}>
        <QueryClientProvider client={queryClient}>
          <TRPCProvider trpcClient={trpcClient} queryClient={queryClient}>
            <PhrasesProvider catalogue={phrases}>
              <TooltipProvider delayDuration={300}>{children}</TooltipProvider>
            </PhrasesProvider>
            <Toaster position="bottom-right" richColors closeButton />
          </TRPCProvider>
        </QueryClientProvider>
      </ThemeProvider>
    </NextIntlClientProvider>
  );
}
