"use client";
import type { ModelSummary } from "@anneal/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { BookmarkPlusIcon, EllipsisIcon, InfoIcon, ListChecksIcon, Trash2Icon } from "lucide-react";
import Link from "next/link";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { toast } from "sonner";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Dialog, DialogContent } from "../../components/ui/dialog.tsx";
import { Menu, MenuContent, MenuItem, MenuTrigger } from "../../components/ui/menu.tsx";
import { visible } from "../../lib/format.ts";
import { useTRPC, useTRPCClient } from "../../lib/trpc.ts";
import { ModelFactList } from "./model-facts.tsx";

export function ModelMenu({ model, onRegister }: { model: ModelSummary; onRegister: (ref: string) => void }) {
  const t = useTranslations("models");
  const [shown, setShown] = useState<"facts" | "remove" | null>(null);
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queryClient = useQueryClient();
  const name = visible(model.name);
  const remove = useMutation({
    mutationFn: (modelId: string) => client.models.remove.mutate({ modelId }),
    onSuccess: async () => {
      setShown(null);
      toast.success(t("removed"));
      await queryClient.invalidateQueries({ queryKey: trpc.models.list.queryKey() });
    },
  });
  return (
    <>
      <Menu>
        <MenuTrigger asChild>
          <Button variant="ghost" size="icon" aria-label={t("more", { name })}>
            <EllipsisIcon aria-hidden />
          </Button>
        </MenuTrigger>
        <MenuContent>
          <MenuItem onSelect={() => setShown("facts")}>
            <InfoIcon aria-hidden />
            {t("showFacts")}
          </MenuItem>
          {model.runId ? (
            <MenuItem asChild>
              <Link href={`/runs/${model.runId}`}>
                <ListChecksIcon aria-hidden />
                {t("openRun")}
              </Link>
            </MenuItem>
          ) : null}
          {model.id === null && model.supported ? (
            <MenuItem onSelect={() => onRegister(model.ref)}>
              <BookmarkPlusIcon aria-hidden />
              {t("register")}
            </MenuItem>
          ) : null}
          {model.id === null ? null : (
            <MenuItem onSelect={() => setShown("remove")}>
              <Trash2Icon aria-hidden />
              {t("remove")}
            </MenuItem>
          )}
        </MenuContent>
      </Menu>
      <Dialog open={shown === "facts"} onOpenChange={(open) => setShown(open ? "facts" : null)}>
        <DialogContent title={t("details", { name })}>
          <ModelFactList model={model} />
        </DialogContent>
      </Dialog>
      <ConfirmDialog
        open={shown === "remove"}
        onOpenChange={(open) => setShown(open ? "remove" : null)}
        title={t("removeConfirm", { name })}
        body={t("removeBody")}
        confirm={t("remove")}
        working={remove.isPending}
        error={remove.error}
        onConfirm={() => (model.id ? remove.mutate(model.id) : undefined)}
      />
    </>
  );
}
