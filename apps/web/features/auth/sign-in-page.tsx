"use client";
import { type Problem, say, told } from "@anneal/contracts";
import { useTranslations } from "next-intl";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { Field } from "../../components/field.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Input } from "../../components/ui/input.tsx";
import { safeNext } from "../../lib/safe-next.ts";
import { useMounted } from "../../lib/use-mounted.ts";
import { AuthCard } from "./auth-card.tsx";
import { authClient } from "./auth-client.ts";
import { useSetupState } from "./use-setup-state.ts";

export function SignInPage({ next }: { next: string | null }) {
  const t = useTranslations("auth");
  // Until React is there a press would send the form as the browser does it; a password must never get into an address.
  const mounted = useMounted();
  const [working, setWorking] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const password = useRef<HTMLInputElement>(null);
  const { data: session } = authClient.useSession();
  const alreadyIn = session !== null && session !== undefined && !working;
  useEffect(() => {
    if (alreadyIn) window.location.replace(safeNext(next));
  }, [alreadyIn, next]);

  const setup = useSetupState();

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setWorking(true);
    setProblem(null);
    try {
      const { error } = await authClient.signIn.email({
        email: String(form.get("email")).trim(),
        password: String(form.get("password")),
      });
      if (!error) {
        window.location.assign(safeNext(next)); // a full load: whatever was cached while signed out is gone
        return;
      }
      setProblem(refusal(error, t));
    } catch (error) {
      setProblem(error);
    }
    setWorking(false);
    password.current?.select(); // what is to be typed again, under the hand
    password.current?.focus();
  };

  return (
    <AuthCard title={t("signIn")} body={t("signInBody")}>
      {setup.data?.needed ? (
        <div className="mb-4 rounded-md bg-info-soft px-3.5 py-3 text-sm">
          <p className="font-medium">{t("setupNoAdministrator")}</p>
          <p>{t("setupNoTokenBody")}</p>
        </div>
      ) : null}
      <form method="post" onSubmit={submit} className="space-y-4">
        <Field id="email" label={t("email")}>
          {(aria) => <Input {...aria} name="email" type="email" autoComplete="username" autoFocus required />}
        </Field>
        <Field id="password" label={t("password")}>
          {(aria) => (
            <Input {...aria} ref={password} name="password" type="password" autoComplete="current-password" required />
          )}
        </Field>
        {problem ? <ProblemNotice error={problem} /> : null}
        <Button type="submit" variant="primary" size="lg" className="w-full" disabled={working || !mounted}>
          {working ? t("working") : t("signIn")}
        </Button>
      </form>
    </AuthCard>
  );
}

function refusal(error: { status: number; message?: string; statusText: string }, t: (key: string) => string): Problem {
  const base = { field: null, details: {} };
  if (error.status === 401 || error.status === 403)
    return { ...base, code: "INVALID_INPUT", message: t("signInFailed"), remedy: t("signInFailedRemedy") };
  if (error.status === 429)
    return { ...base, code: "RATE_LIMITED", message: t("signInLimited"), remedy: t("signInLimitedRemedy") };
  return {
    ...base,
    code: "INTERNAL",
    ...told({
      message: say`something went wrong on the server`,
      remedy: say`look into Anneal's log for the cause, then try again`,
    }),
  };
}
