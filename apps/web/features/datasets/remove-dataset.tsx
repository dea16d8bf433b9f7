"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Trash2Icon } from "lucide-react";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { toast } from "sonner";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Dialog, DialogClose, DialogContent, DialogFooter, DialogTrigger } from "../../components/ui/dialog.tsx";
import { useTRPC } from "../../lib/trpc.ts";

export function RemoveDataset({ datasetId, name }: { datasetId: string; name: string }) {
  const t = useTranslations("datasets");
  const trpc = useTRPC();
  const router = useRouter();
  const queryClient = useQueryClient();
  const [open, setOpen] = useState(false);
  // Asked when the question is put, so that it says what will happen.
  const dataset = useQuery(trpc.datasets.get.queryOptions({ datasetId }, { enabled: open, staleTime: 0 }));
  const used = dataset.isFetching ? null : (dataset.data?.runs ?? null);
  const remove = useMutation(
    trpc.datasets.remove.mutationOptions({
      onSuccess: () => {
        toast.success(t("removed", { name }));
        router.push("/datasets");
        void queryClient.invalidateQueries({ queryKey: trpc.datasets.list.pathKey() });
      },
    }),
  );
  return (
    <Dialog open={open} onOpenChange={setOpen}>
      <DialogTrigger asChild>
        <Button variant="ghost" size="icon" aria-label={t("remove")}>
          <Trash2Icon aria-hidden />
        </Button>
      </DialogTrigger>
      <DialogContent
        title={t("removeTitle", { name })}
        description={
          used === null && !dataset.isError
            ? t("removeAsking")
            : used
              ? t("removeUsed", { runs: used })
              : t("removeBody")
        }
      >
        {dataset.isError ? <ProblemNotice error={dataset.error} /> : null}
        {remove.error ? <ProblemNotice error={remove.error} /> : null}
        <DialogFooter>
          <DialogClose asChild>
            <Button>{t("keep")}</Button>
          </DialogClose>
          {used ? (
            <Button asChild variant="primary">
              <Link href={`/runs?q=${encodeURIComponent(name)}`}>{t("removeShowRuns")}</Link>
            </Button>
          ) : null}
          <Button
            variant="destructive"
            disabled={remove.isPending || used !== 0}
            onClick={() => remove.mutate({ datasetId })}
          >
            {t("remove")}
          </Button>
        </DialogFooter>
      </DialogContent>
    </Dialog>
  );
}
