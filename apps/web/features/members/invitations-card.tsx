"use client";
import type { InvitationSummary } from "@anneal/contracts";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslations } from "next-intl";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { ClockTime } from "../../components/time.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Card, CardHeader } from "../../components/ui/card.tsx";
import { useTRPC, useTRPCClient } from "../../lib/trpc.ts";

/** Links that were made and not used yet; nothing is drawn where there are none. */
export function InvitationsCard() {
  const t = useTranslations("members");
  const common = useTranslations("common");
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queries = useQueryClient();
  const invitations = useQuery(trpc.projects.invitations.queryOptions());
  const withdraw = useMutation({
    mutationFn: (invitationId: string) => client.projects.withdrawInvitation.mutate({ invitationId }),
    onSettled: () => queries.invalidateQueries({ queryKey: trpc.projects.invitations.queryKey() }),
  });
  if (invitations.isPending || invitations.data?.length === 0) return null;
  const columns: Column<InvitationSummary>[] = [
    {
      key: "for",
      header: t("invitee"),
      place: "lead",
      cell: (row) => <span className="foreign font-medium">{row.email ?? t("anybody")}</span>,
    },
    { key: "role", header: t("role"), cell: (row) => t(`roles.${row.role}`) },
    { key: "expires", header: t("expires"), cell: (row) => <ClockTime iso={row.expiresAt} date /> },
    {
      key: "actions",
      header: common("actions"),
      place: "actions",
      cell: (row) => (
        <Button
          size="sm"
          disabled={withdraw.isPending}
          onClick={() => withdraw.mutate(row.id)}
          aria-label={`${t("withdraw")}: ${row.email ?? t("anybody")}`}
        >
          {t("withdraw")}
        </Button>
      ),
    },
  ];
  const error = invitations.error ?? withdraw.error;
  return (
    <Card>
      <CardHeader title={t("invitations")} />
      {error ? (
        <div className="p-4 pt-1">
          <ProblemNotice error={error} />
        </div>
      ) : null}
      {invitations.data ? (
        <DataTable label={t("invitations")} rows={invitations.data} columns={columns} rowKey={(row) => row.id} />
      ) : null}
    </Card>
  );
}
