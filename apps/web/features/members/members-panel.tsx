"use client";
import { type MemberSummary, ProjectRole, projectRoles } from "@anneal/contracts";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { UserPlusIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { useState } from "react";
import { toast } from "sonner";
import { ConfirmDialog } from "../../components/confirm-dialog.tsx";
import { type Column, DataTable } from "../../components/data-table.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { Badge } from "../../components/ui/badge.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Card, CardHeader } from "../../components/ui/card.tsx";
import { NativeSelect } from "../../components/ui/input.tsx";
import { SkeletonRows } from "../../components/ui/skeleton.tsx";
import { useTRPC, useTRPCClient } from "../../lib/trpc.ts";
import { AccountsCard } from "./accounts-card.tsx";
import { InvitationsCard } from "./invitations-card.tsx";
import { InviteDialog } from "./invite-dialog.tsx";

/** Who works in this project, who is invited, and, for an administrator of the installation, all accounts. */
export function MembersPanel() {
  const t = useTranslations("members");
  const common = useTranslations("common");
  const trpc = useTRPC();
  const members = useQuery(trpc.projects.members.queryOptions());
  const [inviting, setInviting] = useState(false);
  return (
    <div className="space-y-4">
      <Card>
        <CardHeader
          title={t("title")}
          description={t("body")}
          actions={
            members.data ? (
              <Button variant="primary" onClick={() => setInviting(true)}>
                <UserPlusIcon aria-hidden />
                {t("invite")}
              </Button>
            ) : null
          }
        />
        {members.isPending ? (
          <SkeletonRows label={common("loading")} />
        ) : members.isError ? (
          <div className="p-4 pt-1">
            <ProblemNotice error={members.error} onRetry={() => void members.refetch()} />
          </div>
        ) : (
          <MemberTable members={members.data} />
        )}
      </Card>
      {members.data ? <InvitationsCard /> : null}
      <AccountsCard />
      <InviteDialog open={inviting} onClose={() => setInviting(false)} />
    </div>
  );
}

function MemberTable({ members }: { members: readonly MemberSummary[] }) {
  const t = useTranslations("members");
  const common = useTranslations("common");
  const columns: Column<MemberSummary>[] = [
    {
      key: "name",
      header: common("name"),
      place: "lead",
      cell: (row) => (
        <span className="flex flex-wrap items-center gap-1.5">
          <span className="foreign font-medium">{row.name}</span>
          {row.owner ? <Badge tone="info">{t("owner")}</Badge> : null}
          {row.disabled ? <Badge tone="warning">{t("disabled")}</Badge> : null}
        </span>
      ),
    },
    { key: "email", header: t("email"), cell: (row) => <span className="foreign">{row.email}</span> },
    { key: "role", header: t("role"), cell: (row) => <RoleSelect member={row} /> },
    { key: "actions", header: common("actions"), place: "actions", cell: (row) => <Remove member={row} /> },
  ];
  return <DataTable label={t("title")} rows={members} columns={columns} rowKey={(row) => row.userId} />;
}

function RoleSelect({ member }: { member: MemberSummary }) {
  const t = useTranslations("members");
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (role: ProjectRole) => client.projects.setMember.mutate({ userId: member.userId, role }),
    onSettled: () => queries.invalidateQueries({ queryKey: trpc.projects.members.queryKey() }),
  });
  return (
    <>
      <NativeSelect
        aria-label={t("roleOf", { name: member.name })}
        value={member.role}
        disabled={change.isPending}
        onChange={(event) => change.mutate(ProjectRole.parse(event.target.value))}
      >
        {projectRoles.map((role) => (
          <option key={role} value={role}>
            {t(`roles.${role}`)}
          </option>
        ))}
      </NativeSelect>
      {change.error ? <ProblemNotice error={change.error} /> : null}
    </>
  );
}

function Remove({ member }: { member: MemberSummary }) {
  const t = useTranslations("members");
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const remove = useMutation({
    mutationFn: () => client.projects.removeMember.mutate({ userId: member.userId }),
    onSuccess: async () => {
      setAsking(false);
      toast.success(t("removed", { name: member.name }));
      await queries.invalidateQueries({ queryKey: trpc.projects.members.queryKey() });
    },
  });
  return (
    <>
      <Button size="sm" onClick={() => setAsking(true)} aria-label={`${t("remove")}: ${member.name}`}>
        {t("remove")}
      </Button>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={t("removeConfirm", { name: member.name })}
        body={t("removeBody")}
        confirm={t("remove")}
        working={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
      />
    </>
  );
}
