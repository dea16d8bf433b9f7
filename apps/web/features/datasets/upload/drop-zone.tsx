"use client";
import { UploadIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { type DragEvent, useId, useRef, useState } from "react";
import { Button } from "../../../components/ui/button.tsx";
import { cn } from "../../../lib/cn.ts";

// A file comes by dragging or by the button; the button is what keyboards and screen readers use.
export function DropZone({ onFile }: { onFile: (file: File) => void }) {
  const t = useTranslations("datasets.upload");
  const input = useRef<HTMLInputElement>(null);
  const depth = useRef(0);
  const [over, setOver] = useState(false);
  const hint = useId();
  const take = (files: FileList | null) => {
    const file = files?.[0];
    if (file) onFile(file);
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    depth.current = 0;
    setOver(false);
    take(event.dataTransfer.files);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dragging is an extra; the button inside does the same
    <div
      className={cn(
        "flex flex-col items-center gap-2 rounded-lg border border-dashed px-6 py-8 text-center",
        over ? "border-primary bg-accent" : "border-input",
      )}
      onDragEnter={(event) => {
        event.preventDefault();
        depth.current++;
        setOver(true);
      }}
      onDragOver={(event) => event.preventDefault()}
      onDragLeave={() => {
        depth.current = Math.max(0, depth.current - 1);
        if (depth.current === 0) setOver(false);
      }}
      onDrop={onDrop}
    >
      <UploadIcon className="size-6 text-muted-foreground" aria-hidden />
      <p className="font-medium">{t("drop")}</p>
      <p id={hint} className="max-w-md text-muted-foreground text-xs">
        {t("formats")}
      </p>
      <Button variant="primary" className="mt-2" aria-describedby={hint} onClick={() => input.current?.click()}>
        {t("choose")}
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        accept=".jsonl,.json,.ndjson,.csv,.tsv,.txt"
        onChange={(event) => {
          take(event.target.files);
          event.target.value = "";
        }}
      />
    </div>
  );
}
