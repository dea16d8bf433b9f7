"use client";
import { ProjectRole, withoutField, wordsOf } from "@anneal/contracts";
import { useQuery } from "@tanstack/react-query";
import { KeyRoundIcon } from "lucide-react";
import { useTranslations } from "next-intl";
import { type FormEvent, useEffect, useState } from "react";
import { z } from "zod";
import { EmptyState } from "../../components/empty-state.tsx";
import { Field } from "../../components/field.tsx";
import { useWords } from "../../components/phrases.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Input } from "../../components/ui/input.tsx";
import { SkeletonRows } from "../../components/ui/skeleton.tsx";
import { problemOf } from "../../lib/problem.ts";
import { AuthCard } from "./auth-card.tsx";
import { authClient } from "./auth-client.ts";
import { NewPasswordFields } from "./new-password-fields.tsx";

const LinkFacts = z.object({
  kind: z.enum(["join", "reset"]),
  project: z.string().nullable(),
  role: ProjectRole.nullable(),
  email: z.string().nullable(),
});
type LinkFacts = z.infer<typeof LinkFacts>;

async function send(method: "PUT" | "POST", input: Record<string, unknown>): Promise<unknown> {
  const answer = await fetch("/api/invitation", {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(input),
  });
  const body = (await answer.json()) as unknown;
  if (!answer.ok) throw body;
  return body;
}

/** What a one-time link opens: joining a project, or a new password. The secret stands behind #, which no server is sent. */
export function InvitationPage() {
  const t = useTranslations("auth");
  const [secret, setSecret] = useState<string | null>(null);
  useEffect(() => {
    const read = () => setSecret(window.location.hash.slice(1));
    read();
    window.addEventListener("hashchange", read);
    return () => window.removeEventListener("hashchange", read);
  }, []);
  const link = useQuery({
    queryKey: ["invitation", secret],
    queryFn: async () => LinkFacts.parse(await send("PUT", { secret })),
    enabled: Boolean(secret),
    retry: false,
  });
  if (secret === "")
    return (
      <AuthCard title={t("invitation")}>
        <EmptyState icon={KeyRoundIcon} title={t("invitationNoLink")}>
          {t("invitationNoLinkBody")}
        </EmptyState>
      </AuthCard>
    );
  if (link.isError)
    return (
      <AuthCard title={t("invitation")}>
        <div className="mt-3">
          <ProblemNotice error={link.error} />
        </div>
      </AuthCard>
    );
  if (!secret || link.isPending)
    return (
      <AuthCard title={t("invitation")}>
        <SkeletonRows label={t("working")} />
      </AuthCard>
    );
  return <Accept secret={secret} link={link.data} />;
}

function Accept({ secret, link }: { secret: string; link: LinkFacts }) {
  const t = useTranslations("auth");
  const roles = useTranslations("members.roles");
  const words = useWords();
  const session = authClient.useSession();
  const [working, setWorking] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const [differ, setDiffer] = useState(false);
  const reset = link.kind === "reset";

  const accept = async (input: Record<string, unknown>) => {
    setWorking(true);
    setProblem(null);
    try {
      await send("POST", { secret, ...input });
      window.location.assign("/runs");
    } catch (error) {
      setProblem(error);
      setWorking(false);
    }
  };
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const same = form.get("password") === form.get("repeat");
    setDiffer(!same);
    if (!same) return;
    const newcomer = { name: String(form.get("name")), email: String(form.get("email")).trim() };
    await accept({ password: String(form.get("password")), ...(reset ? {} : newcomer) });
  };
  const refused = problem ? problemOf(problem) : null;
  const at = (field: string) =>
    refused?.field === field ? words(withoutField(wordsOf(refused, "message"), field)) : undefined;
  const shownAtField = ["name", "email", "password"].some((field) => at(field));
  const title = reset ? t("newPassword") : t("invitation");
  const body = reset
    ? t("resetBody", { email: link.email ?? "" })
    : t("invitationBody", { project: link.project ?? "", role: link.role ? roles(link.role) : "" });

  if (!reset && session.data)
    return (
      <AuthCard title={title} body={body}>
        {problem ? <ProblemNotice error={problem} /> : null}
        <Button
          variant="primary"
          size="lg"
          className="mt-2 w-full"
          disabled={working}
          onClick={() => void accept({ join: true })}
        >
          {working ? t("working") : t("joinAs", { email: session.data.user.email })}
        </Button>
      </AuthCard>
    );
  return (
    <AuthCard title={title} body={body}>
      <form method="post" onSubmit={submit} className="space-y-4">
        {reset ? (
          <input type="hidden" name="username" autoComplete="username" value={link.email ?? ""} readOnly />
        ) : (
          <>
            <Field id="name" label={t("name")} error={at("name")}>
              {(aria) => <Input {...aria} name="name" autoComplete="name" maxLength={80} required />}
            </Field>
            <Field id="email" label={t("email")} hint={t("emailHint")} error={at("email")}>
              {(aria) => (
                <Input
                  {...aria}
                  name="email"
                  type="email"
                  autoComplete="username"
                  maxLength={200}
                  defaultValue={link.email ?? ""}
                  readOnly={link.email !== null}
                  required
                />
              )}
            </Field>
          </>
        )}
        <NewPasswordFields name="password" label={t("password")} error={at("password")} differ={differ} />
        {problem && !shownAtField ? <ProblemNotice error={problem} /> : null}
        <Button type="submit" variant="primary" size="lg" className="w-full" disabled={working || session.isPending}>
          {working ? t("working") : reset ? t("setPassword") : t("join")}
        </Button>
      </form>
    </AuthCard>
  );
}
