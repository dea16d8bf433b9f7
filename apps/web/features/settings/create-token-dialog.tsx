"use client";
import { DisplayName, type Permission } from "@anneal/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslations } from "next-intl";
import { type FormEvent, useState } from "react";
import { CopyField } from "../../components/copy-field.tsx";
import { Field } from "../../components/field.tsx";
import { useComplaint } from "../../components/phrases.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Dialog, DialogClose, DialogContent, DialogFooter } from "../../components/ui/dialog.tsx";
import { Input, NativeSelect } from "../../components/ui/input.tsx";
import { Checkbox } from "../../components/ui/switch.tsx";
import { useTRPC, useTRPCClient } from "../../lib/trpc.ts";
import { tokenPermissions, usualPermissions } from "./token-permissions.ts";

export function CreateTokenDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const t = useTranslations("settings.tokens");
  // Held only while the dialog is open; nowhere else, and never again.
  const [token, setToken] = useState<string | null>(null);
  const close = () => {
    setToken(null);
    onClose();
  };
  return (
    <Dialog open={open} onOpenChange={(wanted) => (wanted ? undefined : close())}>
      {open ? (
        <DialogContent
          title={token ? t("shown") : t("create")}
          description={token ? t("shownBody") : undefined}
          // A stray click must not throw the token away.
          onInteractOutside={(event) => (token ? event.preventDefault() : undefined)}
        >
          {token ? <Shown token={token} /> : <CreateForm onCreated={setToken} />}
        </DialogContent>
      ) : null}
    </Dialog>
  );
}

function Shown({ token }: { token: string }) {
  const t = useTranslations("settings.tokens");
  return (
    <>
      <CopyField text={token} label={t("token")} testId="new-token" />
      <DialogFooter>
        <DialogClose asChild>
          <Button variant="primary">{t("done")}</Button>
        </DialogClose>
      </DialogFooter>
    </>
  );
}

const lifetimes = [30, 90, 365] as const;

function CreateForm({ onCreated }: { onCreated: (token: string) => void }) {
  const complaint = useComplaint();
  const t = useTranslations("settings.tokens");
  const common = useTranslations("common");
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queryClient = useQueryClient();
  const [name, setName] = useState("");
  const [days, setDays] = useState<number | null>(365);
  const [chosen, setChosen] = useState<ReadonlySet<Permission>>(new Set(usualPermissions));
  const [problem, setProblem] = useState<string>();
  const create = useMutation({
    mutationFn: (good: string) =>
      client.system.createToken.mutate({
        name: good,
        permissions: tokenPermissions.filter((permission) => chosen.has(permission)),
        expiresInDays: days,
      }),
    onSuccess: async ({ token }) => {
      onCreated(token);
      await queryClient.invalidateQueries({ queryKey: trpc.system.tokens.queryKey() });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const good = DisplayName.safeParse(name);
    setProblem(good.success ? undefined : complaint(good.error));
    if (good.success && chosen.size > 0) create.mutate(good.data);
  };
  const toggle = (permission: Permission, on: boolean) =>
    setChosen((old) => new Set([...old].filter((other) => other !== permission).concat(on ? [permission] : [])));

  return (
    <form onSubmit={submit} className="space-y-4" noValidate>
      <Field id="token-name" label={t("name")} hint={t("nameHint")} error={problem} required>
        {(aria) => (
          <Input {...aria} value={name} maxLength={80} autoFocus onChange={(event) => setName(event.target.value)} />
        )}
      </Field>
      <Field id="token-days" label={t("expiresIn")}>
        {(aria) => (
          <NativeSelect
            {...aria}
            value={days ?? ""}
            onChange={(event) => setDays(event.target.value === "" ? null : Number(event.target.value))}
          >
            {lifetimes.map((count) => (
              <option key={count} value={count}>
                {t("days", { count })}
              </option>
            ))}
            <option value="">{t("noEnd")}</option>
          </NativeSelect>
        )}
      </Field>
      <fieldset className="min-w-0">
        <legend className="mb-1.5 font-medium text-sm">{t("permissions")}</legend>
        <div className="grid gap-x-4 gap-y-1.5 sm:grid-cols-2">
          {tokenPermissions.map((permission) => (
            <div key={permission} className="flex items-center gap-2 text-sm">
              <Checkbox
                id={`token-${permission}`}
                checked={chosen.has(permission)}
                onCheckedChange={(on) => toggle(permission, on === true)}
              />
              <label htmlFor={`token-${permission}`}>{t(`permission.${permission}`)}</label>
            </div>
          ))}
        </div>
        {chosen.size === 0 ? <p className="mt-1.5 text-destructive text-xs">{t("choosePermissions")}</p> : null}
      </fieldset>
      {create.error ? <ProblemNotice error={create.error} /> : null}
      <DialogFooter>
        <DialogClose asChild>
          <Button>{common("cancel")}</Button>
        </DialogClose>
        <Button type="submit" variant="primary" disabled={create.isPending || chosen.size === 0}>
          {t("create")}
        </Button>
      </DialogFooter>
    </form>
  );
}
