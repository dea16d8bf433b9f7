"use client";
import type { UploadInspection } from "@anneal/contracts";
import { useMutation } from "@tanstack/react-query";
import { useTranslations } from "next-intl";
import { useId, useState } from "react";
import { Field } from "../../../components/field.tsx";
import { ProblemNotice } from "../../../components/problem-notice.tsx";
import { Button } from "../../../components/ui/button.tsx";
import { Input } from "../../../components/ui/input.tsx";
import { useTRPC } from "../../../lib/trpc.ts";

// A file that already lies on the server's disk, below one of the folders it allows.
export function ImportPath({ onInspected }: { onInspected: (inspection: UploadInspection) => void }) {
  const t = useTranslations("datasets.upload");
  const trpc = useTRPC();
  const id = useId();
  const [path, setPath] = useState("");
  const look = useMutation(trpc.datasets.importPath.mutationOptions({ onSuccess: onInspected }));
  return (
    <details className="text-sm">
      <summary className="w-fit text-muted-foreground hover:text-foreground">{t("fromPath")}</summary>
      <form
        className="mt-2 space-y-2"
        onSubmit={(event) => {
          event.preventDefault();
          if (path.trim() && !look.isPending) look.mutate({ path: path.trim() });
        }}
      >
        <Field id={id} label={t("path")} hint={t("pathHint")}>
          {(aria) => (
            <div className="flex gap-2">
              <Input
                {...aria}
                className="font-mono text-xs"
                value={path}
                placeholder="/data/train.jsonl"
                autoComplete="off"
                spellCheck={false}
                onChange={(event) => setPath(event.target.value)}
              />
              <Button type="submit" disabled={!path.trim() || look.isPending}>
                {look.isPending ? t("reading") : t("look")}
              </Button>
            </div>
          )}
        </Field>
        {look.error ? <ProblemNotice error={look.error} /> : null}
      </form>
    </details>
  );
}
