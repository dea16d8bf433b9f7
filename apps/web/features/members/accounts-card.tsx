"use client";
import type { OneTimeLink as Link, UserSummary } from "@anneal/contracts";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { Badge } from "../../components/ui/badge.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Card, CardHeader } from "../../components/ui/card.tsx";
import { Dialog, DialogClose, DialogContent, DialogFooter } from "../../components/ui/dialog.tsx";
import { problemOf } from "../../lib/problem.ts";
import { useTRPC, useTRPCClient } from "../../lib/trpc.ts";
import { authClient } from "../auth/auth-client.ts";
import { OneTimeLink } from "./one-time-link.tsx";

/** All accounts of the installation; only its administrators see the card. */
export function AccountsCard() {
  const t = useTranslations("members");
  const common = useTranslations("common");
  const trpc = useTRPC();
  const users = useQuery(trpc.users.list.queryOptions());
  if (users.isPending || (users.isError && problemOf(users.error).code === "FORBIDDEN")) return null;
  const columns: Column<UserSummary>[] = [
    {
      key: "name",
      header: common("name"),
      place: "lead",
      cell: (row) => (
        <span className="flex flex-wrap items-center gap-1.5">
          <span className="foreign font-medium">{row.name}</span>
          {row.administrator ? <Badge tone="info">{t("administrator")}</Badge> : null}
          {row.disabledAt ? <Badge tone="warning">{t("disabled")}</Badge> : null}
        </span>
      ),
    },
    { key: "email", header: t("email"), cell: (row) => <span className="foreign">{row.email}</span> },
    {
      key: "projects",
      header: t("projects"),
      cell: (row) => (
        <span className="foreign">
          {row.projects.map(({ name, role }) => `${name} (${t(`roles.${role}`)})`).join(", ") || t("noProject")}
        </span>
      ),
    },
    { key: "actions", header: common("actions"), place: "actions", cell: (row) => <AccountActions person={row} /> },
  ];
  return (
    <Card>
      <CardHeader title={t("accounts")} description={t("accountsBody")} />
      {users.isError ? (
        <div className="p-4 pt-1">
          <ProblemNotice error={users.error} onRetry={() => void users.refetch()} />
        </div>
      ) : (
        <DataTable label={t("accounts")} rows={users.data} columns={columns} rowKey={(row) => row.id} />
      )}
    </Card>
  );
}

function AccountActions({ person }: { person: UserSummary }) {
  const t = useTranslations("members");
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queries = useQueryClient();
  const session = authClient.useSession();
  const [asking, setAsking] = useState(false);
  const [link, setLink] = useState<Link | null>(null);
  const disabled = person.disabledAt !== null;
  const change = useMutation({
    mutationFn: () => client.users.setDisabled.mutate({ userId: person.id, disabled: !disabled }),
    onSuccess: async () => {
      setAsking(false);
      await queries.invalidateQueries({ queryKey: trpc.users.list.queryKey() });
      await queries.invalidateQueries({ queryKey: trpc.projects.members.queryKey() });
    },
  });
  const reset = useMutation({
    mutationFn: () => client.users.resetPassword.mutate({ userId: person.id }),
    onSuccess: setLink,
  });
  if (session.data?.user.id === person.id) return null; // the own password is changed under Account
  const failed = reset.error ?? (asking ? null : change.error);
  return (
    <div className="flex flex-wrap justify-end gap-1">
      <Button
        size="sm"
        disabled={reset.isPending || disabled}
        onClick={() => reset.mutate()}
        aria-label={`${t("reset")}: ${person.name}`}
      >
        {t("reset")}
      </Button>
      <Button
        size="sm"
        disabled={change.isPending}
        onClick={() => (disabled ? change.mutate() : setAsking(true))}
        aria-label={`${disabled ? t("enable") : t("disable")}: ${person.name}`}
      >
        {disabled ? t("enable") : t("disable")}
      </Button>
      {failed ? <ProblemNotice error={failed} /> : null}
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={t("disableConfirm", { name: person.name })}
        body={t("disableBody")}
        confirm={t("disable")}
        working={change.isPending}
        error={change.error}
        onConfirm={() => change.mutate()}
      />
      <Dialog open={link !== null} onOpenChange={(wanted) => (wanted ? undefined : setLink(null))}>
        {link ? (
          <DialogContent
            title={t("resetTitle", { name: person.name })}
            description={t("resetBody")}
            onInteractOutside={(event) => event.preventDefault()}
          >
            <OneTimeLink link={link} />
            <DialogFooter>
              <DialogClose asChild>
                <Button variant="primary">{t("done")}</Button>
              </DialogClose>
            </DialogFooter>
          </DialogContent>
        ) : null}
      </Dialog>
    </div>
  );
}
