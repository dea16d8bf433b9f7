"use client";
import { MenuIcon } from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { useTranslations } from "next-intl";
import { type ReactNode, useEffect, useState } from "react";
import { Button } from "../../components/ui/button.tsx";
import { Dialog, DialogTrigger, SheetContent } from "../../components/ui/dialog.tsx";
import { cn } from "../../lib/cn.ts";
import { useSignOutElsewhere } from "../auth/sign-out.ts";
import { LiveProvider } from "../live/live-provider.tsx";
import { CommandPalette } from "./command-palette.tsx";
import { DatabaseBanner } from "./database-banner.tsx";
import { LanguageMenu, ThemeMenu, UserMenu } from "./header-menus.tsx";
import { Logo } from "./logo.tsx";
import { navItems, newRunItem } from "./nav-items.ts";
import { QueueIndicator } from "./queue-indicator.tsx";

export function AppShell({ children }: { children: ReactNode }) {
  useSignOutElsewhere();
  const t = useTranslations();
  const [open, setOpen] = useState(false);
  const pathname = usePathname();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a page change closes the drawer
  useEffect(() => setOpen(false), [pathname]);
  return (
    <LiveProvider>
      <a
        href="#main"
        className="sr-only rounded-md bg-primary px-3 py-2 text-primary-foreground focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50"
      >
        {t("common.skipToContent")}
      </a>
      <div className="flex min-h-dvh">
        <div className="sticky top-0 hidden h-dvh w-52 shrink-0 border-r bg-sidebar md:block">
          <Sidebar />
        </div>
        <div className="flex min-w-0 flex-1 flex-col">
          <header className="sticky top-0 z-30 flex h-12 items-center gap-1.5 border-b bg-background/95 px-3 backdrop-blur md:px-6">
            <Dialog open={open} onOpenChange={setOpen}>
              <DialogTrigger asChild>
                <Button variant="ghost" size="icon" className="md:hidden" aria-label={t("nav.open")}>
                  <MenuIcon aria-hidden />
                </Button>
              </DialogTrigger>
              <SheetContent title={t("nav.label")}>
                <Sidebar />
              </SheetContent>
            </Dialog>
            <QueueIndicator />
            <div className="ml-auto flex items-center gap-1">
              <CommandPalette />
              <LanguageMenu />
              <ThemeMenu />
              <UserMenu />
            </div>
          </header>
          <DatabaseBanner />
          <main id="main" tabIndex={-1} className="mx-auto w-full max-w-[90rem] flex-1 px-4 py-5 outline-none md:px-6">
            {children}
          </main>
        </div>
      </div>
    </LiveProvider>
  );
}

function Sidebar() {
  const t = useTranslations("nav");
  const pathname = usePathname();
  const NewIcon = newRunItem.icon;
  return (
    <nav aria-label={t("label")} className="flex h-full flex-col gap-1 p-3">
      <Link href="/runs" className="mb-3 flex h-8 items-center gap-2 px-1.5 font-semibold tracking-tight">
        <Logo className="size-6" />
        Anneal
      </Link>
      <Button asChild variant="primary" className="mb-3 justify-start">
        <Link href={newRunItem.href}>
          <NewIcon aria-hidden />
          {t(newRunItem.label)}
        </Link>
      </Button>
      {navItems.map(({ href, label, icon: Icon }) => {
        const active = pathname === href || pathname.startsWith(`${href}/`);
        return (
          <Link
            key={href}
            href={href}
            aria-current={active ? "page" : undefined}
            className={cn(
              "flex h-8 items-center gap-2.5 rounded-md px-2 text-sm",
              active ? "bg-accent font-medium" : "text-muted-foreground hover:bg-accent/60 hover:text-foreground",
            )}
          >
            <Icon className="size-4" aria-hidden />
            {t(label)}
          </Link>
        );
      })}
    </nav>
  );
}
