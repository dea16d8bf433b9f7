"use client";
import { useTranslations } from "next-intl";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import type { useRunActions } from "./use-run-actions.ts";

export type Asked = "cancel" | "remove" | null;

export function RunActionDialogs({
  asked,
  onAsk,
  action,
}: {
  asked: Asked;
  onAsk: (asked: Asked) => void;
  action: ReturnType<typeof useRunActions>;
}) {
  const t = useTranslations("runs");
  const close = (open: boolean) => {
    if (open) return;
    onAsk(null);
    action.reset();
  };
  const shared = { onOpenChange: close, working: action.isPending, error: action.error };
  return (
    <>
      <ConfirmDialog
        {...shared}
        open={asked === "cancel"}
        title={t("cancelConfirm")}
        body={t("cancelConfirmBody")}
        confirm={t("confirmCancel")}
        keep={t("keepGoing")}
        onConfirm={() => action.mutate("cancel", { onSuccess: () => onAsk(null) })}
      />
      <ConfirmDialog
        {...shared}
        open={asked === "remove"}
        title={t("deleteConfirm")}
        body={t("deleteConfirmBody")}
        confirm={t("confirmDelete")}
        onConfirm={() => action.mutate("remove", { onSuccess: () => onAsk(null) })}
      />
    </>
  );
}
