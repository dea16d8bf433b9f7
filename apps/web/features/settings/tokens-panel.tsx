"use client";
import type { ApiTokenSummary } from "@anneal/contracts";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRoundIcon, PlusIcon, Trash2Icon } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { toast } from "sonner";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { EmptyState } from "../../components/empty-state.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { ClockTime, RelativeTime } from "../../components/time.tsx";
import { Badge } from "../../components/ui/badge.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Card, CardHeader } from "../../components/ui/card.tsx";
import { SkeletonRows } from "../../components/ui/skeleton.tsx";
import { visible } from "../../lib/format.ts";
import { useTRPC, useTRPCClient } from "../../lib/trpc.ts";
import { CreateTokenDialog } from "./create-token-dialog.tsx";
import { tokenPermissions } from "./token-permissions.ts";
import { useOwnName } from "./use-own-name.ts";

export function TokensPanel() {
  const t = useTranslations("settings.tokens");
  const common = useTranslations("common");
  const trpc = useTRPC();
  const tokens = useQuery(trpc.system.tokens.queryOptions());
  const [creating, setCreating] = useState(false);
  const create = (
    <Button variant="primary" onClick={() => setCreating(true)}>
      <PlusIcon aria-hidden />
      {t("create")}
    </Button>
  );
  return (
    <>
      <Card>
        <CardHeader title={t("title")} description={t("body")} actions={tokens.data?.length ? create : null} />
        {tokens.isPending ? (
          <SkeletonRows label={common("loading")} />
        ) : tokens.isError ? (
          <div className="p-4 pt-1">
            <ProblemNotice error={tokens.error} onRetry={() => void tokens.refetch()} />
          </div>
        ) : tokens.data.length === 0 ? (
          <EmptyState icon={KeyRoundIcon} title={t("empty")} action={create}>
            {t("emptyBody")}
          </EmptyState>
        ) : (
          <TokenTable tokens={tokens.data} />
        )}
      </Card>
      <CreateTokenDialog open={creating} onClose={() => setCreating(false)} />
    </>
  );
}

function TokenTable({ tokens }: { tokens: readonly ApiTokenSummary[] }) {
  const t = useTranslations("settings.tokens");
  const common = useTranslations("common");
  const nameOf = useOwnName();
  const columns: Column<ApiTokenSummary>[] = [
    {
      key: "name",
      header: common("name"),
      place: "lead",
      cell: (row) => <span className="foreign font-medium">{nameOf(row.name)}</span>,
    },
    {
      key: "prefix",
      header: t("prefix"),
      cell: (row) => <code className="font-mono text-xs">{visible(row.prefix)}…</code>,
    },
    {
      key: "permissions",
      header: t("permissions"),
      className: "max-w-96",
      cell: (row) => (
        <span className="flex flex-wrap gap-1">
          {tokenPermissions.every((name) => row.permissions.includes(name)) ? (
            <Badge tone="info">{t("everything")}</Badge>
          ) : (
            row.permissions.map((name) => <Badge key={name}>{name}</Badge>)
          )}
        </span>
      ),
    },
    {
      key: "used",
      header: t("used"),
      cell: (row) => (row.lastUsedAt ? <RelativeTime iso={row.lastUsedAt} /> : t("notUsed")),
    },
    {
      key: "expires",
      header: t("expires"),
      cell: (row) => (row.expiresAt ? <ClockTime iso={row.expiresAt} date /> : t("never")),
    },
    { key: "actions", header: common("actions"), place: "actions", cell: (row) => <Revoke token={row} /> },
  ];
  return <DataTable label={t("table")} rows={tokens} columns={columns} rowKey={(row) => row.id} />;
}

function Revoke({ token }: { token: ApiTokenSummary }) {
  const t = useTranslations("settings.tokens");
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queryClient = useQueryClient();
  const [asking, setAsking] = useState(false);
  const revoke = useMutation({
    mutationFn: () => client.system.revokeToken.mutate({ tokenId: token.id }),
    onSuccess: async () => {
      setAsking(false);
      toast.success(t("revoked"));
      await queryClient.invalidateQueries({ queryKey: trpc.system.tokens.queryKey() });
    },
  });
  const name = useOwnName()(token.name);
  return (
    <>
      <Button size="sm" onClick={() => setAsking(true)} aria-label={`${t("revoke")}: ${name}`}>
        <Trash2Icon aria-hidden />
        {t("revoke")}
      </Button>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={t("revokeConfirm", { name })}
        body={t("revokeBody")}
        confirm={t("revoke")}
        working={revoke.isPending}
        error={revoke.error}
        onConfirm={() => revoke.mutate()}
      />
    </>
  );
}
