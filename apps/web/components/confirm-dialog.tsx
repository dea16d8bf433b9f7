"use client";
import { useTranslations } from "next-intl";
import type { ReactNode } from "react";
import { ProblemNotice } from "./problem-notice.tsx";
import { Button } from "./ui/button.tsx";
import { Dialog, DialogClose, DialogContent, DialogFooter } from "./ui/dialog.tsx";

// Asks before something that cannot be taken back; stays open with the reason when it is refused.
export function ConfirmDialog({
  open,
  onOpenChange,
  title,
  body,
  confirm,
  keep,
  working,
  error,
  onConfirm,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  body: ReactNode;
  confirm: string;
  keep?: string;
  working: boolean;
  error: unknown;
  onConfirm: () => void;
}) {
  const t = useTranslations("common");
  return (
    <Dialog open={open} onOpenChange={onOpenChange}>
      <DialogContent title={title} description={body}>
        {error ? <ProblemNotice error={error} /> : null}
        <DialogFooter>
          <DialogClose asChild>
            <Button>{keep ?? t("cancel")}</Button>
          </DialogClose>
          <Button variant="destructive" disabled={working} onClick={onConfirm}>
            {confirm}
          </Button>
        </DialogFooter>
      </DialogContent>
    </Dialog>
  );
}
