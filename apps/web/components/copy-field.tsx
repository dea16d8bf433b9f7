"use client";
import { CopyButton } from "./copy-button.tsx";
import { Input } from "./ui/input.tsx";

/** A text to take away as a whole: a press selects it, the button copies it. */
export function CopyField({ text, label, testId }: { text: string; label: string; testId: string }) {
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Input
        readOnly
        value={text}
        aria-label={label}
        onFocus={(event) => event.target.select()}
        className="min-w-0 flex-1 font-mono text-xs"
        data-testid={testId}
      />
      <CopyButton text={text} />
    </div>
  );
}
