"use client";
import type { CommittedDataset, UploadInspection } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { useEffect, useRef, useState } from "react";
import { ProblemNotice } from "../../../components/problem-notice.tsx";
import { useDurations } from "../../../components/time.tsx";
import { Button } from "../../../components/ui/button.tsx";
import { Progress } from "../../../components/ui/progress.tsx";
import { formatBytes, visible } from "../../../lib/format.ts";
import { DropZone } from "./drop-zone.tsx";
import { ImportPath } from "./import-path.tsx";
import { type Sent, sendFile } from "./send-file.ts";
import { UploadReview } from "./upload-review.tsx";

type State =
  | { kind: "idle"; error: unknown }
  | { kind: "sending"; file: File; sent: Sent | null; startedAt: number }
  | { kind: "review"; inspection: UploadInspection };

// From a file to a dataset version, in three looks: choose, watch it go out, decide.
export function UploadPanel({ onDone }: { onDone: (dataset: CommittedDataset) => void }) {
  const t = useTranslations("datasets.upload");
  const [state, setState] = useState<State>({ kind: "idle", error: null });
  const controller = useRef<AbortController | null>(null);
  useEffect(() => () => controller.current?.abort(), []);

  const send = async (file: File) => {
    const mine = new AbortController();
    controller.current?.abort();
    controller.current = mine;
    setState({ kind: "sending", file, sent: null, startedAt: performance.now() });
    try {
      const inspection = await sendFile(
        file,
        (sent) => setState((old) => (old.kind === "sending" ? { ...old, sent } : old)),
        mine.signal,
      );
      if (!mine.signal.aborted) setState({ kind: "review", inspection });
    } catch (error) {
      if (controller.current !== mine) return;
      setState({ kind: "idle", error: mine.signal.aborted ? null : error });
    }
  };

  if (state.kind === "review")
    return (
      <UploadReview
        inspection={state.inspection}
        onDone={onDone}
        onDiscard={() => setState({ kind: "idle", error: null })}
      />
    );
  if (state.kind === "sending") return <Sending state={state} onCancel={() => controller.current?.abort()} />;
  return (
    <div className="space-y-3">
      {state.error ? <ProblemNotice error={state.error} /> : null}
      <DropZone onFile={(file) => void send(file)} />
      <ImportPath onInspected={(inspection) => setState({ kind: "review", inspection })} />
      <p className="text-muted-foreground text-xs">{t("immutable")}</p>
    </div>
  );
}

function Sending({ state, onCancel }: { state: Extract<State, { kind: "sending" }>; onCancel: () => void }) {
  const t = useTranslations("datasets.upload");
  const { duration } = useDurations();
  const { file, sent, startedAt } = state;
  const total = sent?.total || file.size;
  const share = sent && total > 0 ? sent.bytes / total : 0;
  const done = share >= 1;
  const left = share > 0.02 && !done ? ((performance.now() - startedAt) / 1000) * (1 / share - 1) : null;
  return (
    <div className="space-y-3 rounded-lg border px-4 py-6">
      <p className="foreign font-medium text-sm">{visible(file.name)}</p>
      <Progress value={done ? null : share} label={t("sending")} />
      <div className="flex flex-wrap items-center justify-between gap-2 text-muted-foreground text-xs">
        <span className="tabular" aria-live="polite">
          {done
            ? t("reading")
            : `${formatBytes(sent?.bytes ?? 0)} / ${formatBytes(total)}${left === null ? "" : ` · ${t("left", { duration: duration(left) })}`}`}
        </span>
        <Button size="sm" onClick={onCancel}>
          {t("cancel")}
        </Button>
      </div>
    </div>
  );
}
