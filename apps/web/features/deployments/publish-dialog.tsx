"use client";
import { GgufType, OllamaName, type RunDetail } from "@anneal/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslations } from "next-intl";
import { type FormEvent, useState } from "react";
import { toast } from "sonner";
import { Field } from "../../components/field.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Dialog, DialogClose, DialogContent, DialogFooter } from "../../components/ui/dialog.tsx";
import { Input, NativeSelect, Textarea } from "../../components/ui/input.tsx";
import { useTRPC, useTRPCClient } from "../../lib/trpc.ts";
import { suggestName } from "./model-name.ts";

interface Props {
  run: RunDetail;
  source: string | null; // "final", a checkpoint's id, or null: closed
  onClose: () => void;
  onStarted: () => void;
}

export function PublishDialog({ run, source, onClose, onStarted }: Props) {
  const t = useTranslations("run.publish");
  return (
    <Dialog open={source !== null} onOpenChange={(open) => (open ? undefined : onClose())}>
      {source === null ? null : (
        <DialogContent title={t("title")} description={t("body")}>
          <PublishForm run={run} source={source} onStarted={onStarted} />
        </DialogContent>
      )}
    </Dialog>
  );
}

function PublishForm({ run, source, onStarted }: { run: RunDetail; source: string; onStarted: () => void }) {
  const t = useTranslations("run.publish");
  const done = useTranslations("run.deployments");
  const common = useTranslations("common");
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queryClient = useQueryClient();
  const finished = run.status === "succeeded";
  const kept = run.checkpoints.filter((checkpoint) => checkpoint.kept);
  const [from, setFrom] = useState(source === "final" && !finished ? (kept[0]?.id ?? "final") : source);
  const [name, setName] = useState(run.spec.publish?.name ?? run.deployments[0]?.name ?? suggestName(run.name));
  const [gguf, setGguf] = useState<GgufType>(run.spec.publish?.gguf ?? "Q8_0");
  const [system, setSystem] = useState("");
  const [tried, setTried] = useState(false);
  const nameIsGood = OllamaName.safeParse(name).success;

  const publish = useMutation({
    mutationFn: () =>
      client.deployments.publish.mutate({
        runId: run.id,
        name,
        gguf,
        ...(from === "final" ? {} : { checkpointId: from }),
        ...(system.trim() ? { system } : {}),
      }),
    onSuccess: (made) => {
      toast.success(done("started"));
      queryClient.setQueryData<RunDetail>(trpc.runs.get.queryKey({ runId: run.id }), (old) =>
        old ? { ...old, deployments: [made, ...old.deployments.filter(({ id }) => id !== made.id)] } : old,
      );
      onStarted();
    },
  });
  // A refusal is about what was sent; with the first change it is over.
  const change = (set: (text: string) => void) => (event: { target: { value: string } }) => {
    publish.reset();
    set(event.target.value);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (nameIsGood) publish.mutate();
  };
  return (
    <form onSubmit={submit} className="space-y-4" noValidate>
      <Field
        id="publish-name"
        label={t("name")}
        hint={
          <>
            {t("nameHint")}
            <br />
            {t("exists")}
          </>
        }
        error={tried && !nameIsGood ? t("nameInvalid") : undefined}
        required
      >
        {(aria) => <Input {...aria} value={name} onChange={change(setName)} autoFocus />}
      </Field>
      <Field id="publish-source" label={t("source")}>
        {(aria) => (
          <NativeSelect {...aria} value={from} onChange={change(setFrom)}>
            {finished ? <option value="final">{t("current")}</option> : null}
            {kept.map((checkpoint) => (
              <option key={checkpoint.id} value={checkpoint.id}>
                {t("stepOption", { step: checkpoint.step })}
              </option>
            ))}
          </NativeSelect>
        )}
      </Field>
      <Field id="publish-gguf" label={t("gguf")} hint={t(`ggufHint.${gguf}`)}>
        {(aria) => (
          <NativeSelect {...aria} value={gguf} onChange={change((type) => setGguf(GgufType.parse(type)))}>
            {GgufType.options.map((type) => (
              <option key={type} value={type}>
                {type}
              </option>
            ))}
          </NativeSelect>
        )}
      </Field>
      <Field id="publish-system" label={`${t("system")} (${common("optional")})`} hint={t("systemHint")}>
        {(aria) => (
          <Textarea
            {...aria}
            value={system}
            placeholder={run.spec.publish?.system ?? ""}
            maxLength={20_000}
            onChange={change(setSystem)}
          />
        )}
      </Field>
      {publish.error ? <ProblemNotice error={publish.error} /> : null}
      <DialogFooter>
        <DialogClose asChild>
          <Button>{common("cancel")}</Button>
        </DialogClose>
        <Button type="submit" variant="primary" disabled={publish.isPending}>
          {t("start")}
        </Button>
      </DialogFooter>
    </form>
  );
}
