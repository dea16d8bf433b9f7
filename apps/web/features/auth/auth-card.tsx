"use client";
import type { ReactNode } from "react";
import { LanguageMenu, ThemeMenu } from "../shell/header-menus.tsx";
import { Logo } from "../shell/logo.tsx";

// The one card of the pages that need nobody signed in.
export function AuthCard({ title, body, children }: { title: string; body?: ReactNode; children: ReactNode }) {
  return (
    <div className="flex min-h-dvh flex-col">
      <title>{`${title} · Anneal`}</title>
      <header className="flex items-center justify-end gap-1 p-3">
        <LanguageMenu />
        <ThemeMenu />
      </header>
      <main className="mx-auto flex w-full max-w-sm flex-1 flex-col justify-center px-4 pb-24">
        <div className="mb-5 flex items-center gap-2.5 font-semibold text-lg tracking-tight">
          <Logo className="size-8" />
          Anneal
        </div>
        <div className="rounded-lg border bg-card p-5 shadow-sm">
          <h1 className="font-semibold text-lg">{title}</h1>
          {body ? <p className="mt-1 mb-4 text-muted-foreground text-sm">{body}</p> : null}
          {children}
        </div>
      </main>
    </div>
  );
}
