"use client";
import { useTranslations } from "next-intl";
import { type FormEvent, useState } from "react";
import { toast } from "sonner";
import { Field } from "../../components/field.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Card, CardBody, CardHeader } from "../../components/ui/card.tsx";
import { Input } from "../../components/ui/input.tsx";
import { authClient } from "../auth/auth-client.ts";
import { NewPasswordFields } from "../auth/new-password-fields.tsx";

const failed = "INVALID_PASSWORD"; // the sign-in library's code

export function AccountPanel() {
  const t = useTranslations("auth");
  const { data } = authClient.useSession();
  const [working, setWorking] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const [wrong, setWrong] = useState(false);
  const [differ, setDiffer] = useState(false);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const { currentTarget } = event;
    const form = new FormData(currentTarget);
    const [currentPassword, newPassword] = ["current", "new"].map((key) => String(form.get(key)));
    setWrong(false);
    setProblem(null);
    setDiffer(newPassword !== form.get("repeat"));
    if (newPassword !== form.get("repeat")) return;
    setWorking(true);
    const { error } = await authClient.changePassword({
      currentPassword: currentPassword ?? "",
      newPassword: newPassword ?? "",
      revokeOtherSessions: true,
    });
    setWorking(false);
    if (!error) {
      currentTarget.reset();
      toast.success(t("passwordChanged"));
    } else if (error.code === failed) setWrong(true);
    else if (error.status === 429)
      setProblem({ code: "RATE_LIMITED", field: null, message: t("signInLimited"), remedy: t("signInLimitedRemedy") });
    else setProblem(error);
  };

  return (
    <Card className="max-w-xl">
      <CardHeader title={t("changePassword")} description={t("changePasswordBody")} />
      <CardBody>
        <form method="post" onSubmit={submit} className="space-y-4">
          {/* For password managers: whose password it is. */}
          <input type="hidden" name="username" autoComplete="username" value={data?.user.email ?? ""} readOnly />
          <Field id="current-password" label={t("currentPassword")} error={wrong ? t("passwordWrong") : undefined}>
            {(aria) => <Input {...aria} name="current" type="password" autoComplete="current-password" required />}
          </Field>
          <NewPasswordFields name="new" label={t("newPassword")} differ={differ} />
          {problem ? <ProblemNotice error={problem} /> : null}
          <Button type="submit" variant="primary" disabled={working}>
            {working ? t("working") : t("changePassword")}
          </Button>
        </form>
      </CardBody>
    </Card>
  );
}
