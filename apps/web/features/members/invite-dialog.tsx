"use client";
import { ProjectRole, projectRoles } from "@anneal/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslations } from "next-intl";
import { type FormEvent, useState } from "react";
import { Field } from "../../components/field.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Dialog, DialogClose, DialogContent, DialogFooter } from "../../components/ui/dialog.tsx";
import { Input, NativeSelect } from "../../components/ui/input.tsx";
import { useTRPC, useTRPCClient } from "../../lib/trpc.ts";
import { OneTimeLink } from "./one-time-link.tsx";

export function InviteDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onOpenChange={(wanted) => (wanted ? undefined : onClose())}>
      {open ? <Invite /> : null}
    </Dialog>
  );
}

function Invite() {
  const t = useTranslations("members");
  const common = useTranslations("common");
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queries = useQueryClient();
  const [role, setRole] = useState<ProjectRole>("editor");
  const [email, setEmail] = useState("");
  const invite = useMutation({
    mutationFn: () => client.projects.invite.mutate({ role, ...(email.trim() ? { email: email.trim() } : {}) }),
    onSuccess: () => queries.invalidateQueries({ queryKey: trpc.projects.invitations.queryKey() }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    invite.mutate();
  };
  if (invite.data)
    return (
      <DialogContent
        title={t("linkTitle")}
        description={t("linkBody")}
        // A stray click must not throw the link away.
        onInteractOutside={(event) => event.preventDefault()}
      >
        <OneTimeLink link={invite.data} />
        <DialogFooter>
          <DialogClose asChild>
            <Button variant="primary">{t("done")}</Button>
          </DialogClose>
        </DialogFooter>
      </DialogContent>
    );
  return (
    <DialogContent title={t("invite")} description={t("inviteBody")}>
      <form onSubmit={submit} className="space-y-4">
        <Field id="invite-role" label={t("role")} hint={t(`roleHints.${role}`)}>
          {(aria) => (
            <NativeSelect {...aria} value={role} onChange={(event) => setRole(ProjectRole.parse(event.target.value))}>
              {projectRoles.map((name) => (
                <option key={name} value={name}>
                  {t(`roles.${name}`)}
                </option>
              ))}
            </NativeSelect>
          )}
        </Field>
        <Field id="invite-email" label={t("email")} hint={t("inviteEmailHint")}>
          {(aria) => (
            <Input
              {...aria}
              type="email"
              maxLength={200}
              value={email}
              onChange={(event) => setEmail(event.target.value)}
            />
          )}
        </Field>
        {invite.error ? <ProblemNotice error={invite.error} /> : null}
        <DialogFooter>
          <DialogClose asChild>
            <Button>{common("cancel")}</Button>
          </DialogClose>
          <Button type="submit" variant="primary" disabled={invite.isPending}>
            {t("makeLink")}
          </Button>
        </DialogFooter>
      </form>
    </DialogContent>
  );
}
