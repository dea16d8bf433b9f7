"use client";
import { withoutField, wordsOf } from "@anneal/contracts";
import { KeyRoundIcon } from "lucide-react";
import Link from "next/link";
import { useTranslations } from "next-intl";
import { type FormEvent, useState } from "react";
import { EmptyState } from "../../components/empty-state.tsx";
import { Field } from "../../components/field.tsx";
import { useWords } from "../../components/phrases.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Input } from "../../components/ui/input.tsx";
import { problemOf } from "../../lib/problem.ts";
import { useMounted } from "../../lib/use-mounted.ts";
import { AuthCard } from "./auth-card.tsx";
import { NewPasswordFields } from "./new-password-fields.tsx";
import { useSetupState } from "./use-setup-state.ts";

export function SetupPage({ token }: { token: string | null }) {
  const t = useTranslations("auth");
  const words = useWords();
  // Until React is there a press would send the form as the browser does it; a password must never get into an address.
  const mounted = useMounted();
  const [working, setWorking] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const [differ, setDiffer] = useState(false);

  const setup = useSetupState();

  if (setup.data?.needed === false)
    return (
      <AuthCard title={t("setup")}>
        <EmptyState
          icon={KeyRoundIcon}
          title={t("setupDoneAlready")}
          action={
            <Button asChild variant="primary">
              <Link href="/sign-in">{t("signIn")}</Link>
            </Button>
          }
        >
          {t("setupDoneAlreadyBody")}
        </EmptyState>
      </AuthCard>
    );
  if (!token)
    return (
      <AuthCard title={t("setup")}>
        <EmptyState icon={KeyRoundIcon} title={t("setupNoToken")}>
          {t("setupNoTokenBody")}
        </EmptyState>
      </AuthCard>
    );

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [name, email, password] = ["name", "email", "password"].map((key) => String(form.get(key)));
    const same = password === form.get("repeat");
    setDiffer(!same);
    if (!same) return;
    setWorking(true);
    setProblem(null);
    try {
      await createAdministrator({ token, name, email: email?.trim(), password });
      window.location.assign("/runs");
    } catch (error) {
      setProblem(error);
      setWorking(false);
    }
  };
  // A refusal that names a field is shown at it, the rest above the button.
  const refused = problem ? problemOf(problem) : null;
  const at = (field: string) =>
    refused?.field === field ? words(withoutField(wordsOf(refused, "message"), field)) : undefined;
  const shownAtField = ["name", "email", "password"].some((field) => at(field));

  return (
    <AuthCard title={t("setup")} body={t("setupBody")}>
      <form method="post" onSubmit={submit} className="space-y-4">
        <Field id="name" label={t("name")} error={at("name")}>
          {(aria) => <Input {...aria} name="name" autoComplete="name" maxLength={80} autoFocus required />}
        </Field>
        <Field id="email" label={t("email")} hint={t("emailHint")} error={at("email")}>
          {(aria) => <Input {...aria} name="email" type="email" autoComplete="username" maxLength={200} required />}
        </Field>
        <NewPasswordFields name="password" label={t("password")} error={at("password")} differ={differ} />
        {problem && !shownAtField ? <ProblemNotice error={problem} /> : null}
        <Button type="submit" variant="primary" size="lg" className="w-full" disabled={working || !mounted}>
          {working ? t("working") : t("setupDone")}
        </Button>
      </form>
    </AuthCard>
  );
}

// Makes the administrator and signs in.
async function createAdministrator(input: Record<string, string | undefined>): Promise<void> {
  const answer = await fetch("/api/setup", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(input),
  });
  if (answer.ok) return;
  throw (await answer.json()) as unknown;
}
