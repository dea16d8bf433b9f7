"use client";
import { BaseModelRef, DisplayName } from "@anneal/contracts";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslations } from "next-intl";
import { type FormEvent, useState } from "react";
import { toast } from "sonner";
import { Field } from "../../components/field.tsx";
import { useComplaint } from "../../components/phrases.tsx";
import { ProblemNotice } from "../../components/problem-notice.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Dialog, DialogClose, DialogContent, DialogFooter } from "../../components/ui/dialog.tsx";
import { Input } from "../../components/ui/input.tsx";
import { useTRPC, useTRPCClient } from "../../lib/trpc.ts";
import { ModelFactList } from "./model-facts.tsx";
import { suggestModelName } from "./models.ts";

// start: the reference of a model that was found, "" to type one, null: closed.
export function RegisterDialog({ start, onClose }: { start: string | null; onClose: () => void }) {
  const t = useTranslations("models");
  return (
    <Dialog open={start !== null} onOpenChange={(open) => (open ? undefined : onClose())}>
      {start === null ? null : (
        <DialogContent title={t("addTitle")} description={t("addBody")}>
          <RegisterForm start={start} onDone={onClose} />
        </DialogContent>
      )}
    </Dialog>
  );
}

// First the file's header is looked at, then what was seen is registered under a name.
function RegisterForm({ start, onDone }: { start: string; onDone: () => void }) {
  const complaint = useComplaint();
  const t = useTranslations("models");
  const common = useTranslations("common");
  const trpc = useTRPC();
  const client = useTRPCClient();
  const queryClient = useQueryClient();
  const [ref, setRef] = useState(start);
  const [name, setName] = useState(suggestModelName(start));
  const [refProblem, setRefProblem] = useState<string>();
  const [nameProblem, setNameProblem] = useState<string>();
  const look = useMutation({
    mutationFn: (wanted: string) => client.models.inspect.query({ ref: wanted }),
    onSuccess: (_found, wanted) => setName((old) => old || suggestModelName(wanted)),
  });
  const register = useMutation({
    mutationFn: (input: { ref: string; name: string }) => client.models.register.mutate(input),
    onSuccess: async (made) => {
      toast.success(t("registered", { name: made.name }));
      await queryClient.invalidateQueries({ queryKey: trpc.models.list.queryKey() });
      onDone();
    },
  });
  const found = look.variables === ref.trim() ? look.data : undefined;

  // One error at a time, and only as long as what it is about stands there.
  const forget = () => {
    setRefProblem(undefined);
    setNameProblem(undefined);
    look.reset();
    register.reset();
  };
  const rename = (text: string) => {
    setNameProblem(undefined);
    register.reset();
    setName(text);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!found) forget();
    const goodRef = BaseModelRef.safeParse(ref);
    setRefProblem(goodRef.success ? undefined : complaint(goodRef.error));
    if (!goodRef.success) return;
    if (!found) {
      look.mutate(goodRef.data);
      return;
    }
    const goodName = DisplayName.safeParse(name);
    setNameProblem(goodName.success ? undefined : complaint(goodName.error));
    if (goodName.success) register.mutate({ ref: goodRef.data, name: goodName.data });
  };
  return (
    <form onSubmit={submit} className="space-y-4" noValidate>
      <Field id="model-ref" label={t("ref")} hint={t("refHint")} error={refProblem} required>
        {(aria) => (
          <Input
            {...aria}
            value={ref}
            maxLength={1024}
            spellCheck={false}
            className="font-mono text-xs"
            autoFocus={start === ""}
            onChange={(event) => {
              forget();
              setRef(event.target.value);
            }}
          />
        )}
      </Field>
      {found ? (
        <>
          <div className="rounded-md border p-3">
            <ModelFactList model={found} />
          </div>
          <Field id="model-name" label={t("registryName")} error={nameProblem} required>
            {(aria) => <Input {...aria} value={name} maxLength={80} onChange={(event) => rename(event.target.value)} />}
          </Field>
        </>
      ) : null}
      {look.error ? <ProblemNotice error={look.error} /> : null}
      {register.error ? <ProblemNotice error={register.error} /> : null}
      <DialogFooter>
        <DialogClose asChild>
          <Button>{common("cancel")}</Button>
        </DialogClose>
        <Button
          type="submit"
          variant="primary"
          disabled={look.isPending || register.isPending || (found !== undefined && !found.supported)}
        >
          {found ? t("register") : t("look")}
        </Button>
      </DialogFooter>
    </form>
  );
}
