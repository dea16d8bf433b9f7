"use client";
import type { RunSpec } from "@anneal/contracts";
import { CodeIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { CopyButton } from "../../components/copy-button.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Dialog, DialogContent, DialogTrigger } from "../../components/ui/dialog.tsx";
import { Tabs, TabsContent, TabsList, TabsTrigger } from "../../components/ui/tabs.tsx";
import { visible } from "../../lib/format.ts";
import { specAsCli, specAsTypeScript, specAsYaml } from "./spec/copy-as.ts";

// The same run without the console: only what differs from the defaults. `dataset`: NAME@NUMBER, as the command line takes it.
export function CopyDialog({ spec, dataset = null }: { spec: RunSpec | null; dataset?: string | null }) {
  const t = useTranslations("newRun.copy");
  return (
    <Dialog>
      <DialogTrigger asChild>
        <Button size="lg" disabled={spec === null}>
          <CodeIcon aria-hidden />
          {t("open")}
        </Button>
      </DialogTrigger>
      <DialogContent title={t("open")} description={t("about")} className="max-w-2xl">
        {spec ? (
          <Tabs defaultValue="cli">
            <TabsList aria-label={t("open")}>
              <TabsTrigger value="cli">{t("cli")}</TabsTrigger>
              <TabsTrigger value="typescript">{t("typescript")}</TabsTrigger>
              <TabsTrigger value="yaml">{t("yaml")}</TabsTrigger>
            </TabsList>
            <Code value="cli" text={specAsCli(spec, dataset)} />
            <Code value="typescript" text={specAsTypeScript(spec, window.location.origin)} />
            <Code value="yaml" text={specAsYaml(spec)} />
          </Tabs>
        ) : null}
      </DialogContent>
    </Dialog>
  );
}

function Code({ value, text }: { value: string; text: string }) {
  return (
    <TabsContent value={value} className="space-y-2">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <pre tabIndex={0} className="foreign max-h-80 overflow-auto rounded-md bg-muted p-3 font-mono text-xs">
        {visible(text)}
      </pre>
      <CopyButton text={text} />
    </TabsContent>
  );
}
