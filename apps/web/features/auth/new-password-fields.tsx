"use client";
import { useTranslations } from "next-intl";
import { Field } from "../../components/field.tsx";
import { Input } from "../../components/ui/input.tsx";

/** A new password, typed twice. `name` is the form's field; the repetition is the field `repeat`. */
export function NewPasswordFields({
  name,
  label,
  error,
  differ,
}: {
  name: string;
  label: string;
  error?: string;
  differ: boolean;
}) {
  const t = useTranslations("auth");
  return (
    <>
      <Field id={`${name}-password`} label={label} hint={t("passwordHint")} error={error}>
        {(aria) => (
          <Input
            {...aria}
            name={name}
            type="password"
            autoComplete="new-password"
            minLength={10}
            maxLength={128}
            required
          />
        )}
      </Field>
      <Field id="repeat-password" label={t("passwordRepeat")} error={differ ? t("passwordsDiffer") : undefined}>
        {(aria) => <Input {...aria} name="repeat" type="password" autoComplete="new-password" required />}
      </Field>
    </>
  );
}
