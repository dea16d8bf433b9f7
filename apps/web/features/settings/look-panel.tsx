"use client";
import { useTranslations } from "next-intl";
import { Field } from "../../components/field.tsx";
import { Card, CardBody, CardHeader } from "../../components/ui/card.tsx";
import { NativeSelect } from "../../components/ui/input.tsx";
import { Switch } from "../../components/ui/switch.tsx";
import { localeNames, locales } from "../../lib/locale.ts";
import { useShortcutsOn } from "../shell/command-palette.tsx";
import { useLanguageChoice, useThemeChoice } from "../shell/header-menus.tsx";

export function LookPanel() {
  const t = useTranslations("settings");
  const theme = useThemeChoice();
  const language = useLanguageChoice();
  const [shortcuts, setShortcuts] = useShortcutsOn();
  return (
    <Card className="max-w-xl">
      <CardHeader title={t("look.title")} description={t("look.body")} />
      <CardBody className="space-y-4">
        <Field id="language" label={t("language")}>
          {(aria) => (
            <NativeSelect {...aria} value={language.chosen} onChange={(event) => language.choose(event.target.value)}>
              {locales.map((locale) => (
                <option key={locale} value={locale} lang={locale}>
                  {localeNames[locale]}
                </option>
              ))}
            </NativeSelect>
          )}
        </Field>
        <Field id="theme" label={t("theme")}>
          {(aria) => (
            <NativeSelect {...aria} value={theme.chosen} onChange={(event) => theme.setTheme(event.target.value)}>
              {theme.themes.map((name) => (
                <option key={name} value={name}>
                  {t(`themes.${name}`)}
                </option>
              ))}
            </NativeSelect>
          )}
        </Field>
        <div className="flex items-start justify-between gap-4">
          <div>
            <label htmlFor="shortcuts" className="font-medium text-sm">
              {t("look.shortcuts")}
            </label>
            <p id="shortcuts-hint" className="text-muted-foreground text-xs">
              {t("look.shortcutsHint")}
            </p>
          </div>
          <Switch id="shortcuts" aria-describedby="shortcuts-hint" checked={shortcuts} onCheckedChange={setShortcuts} />
        </div>
      </CardBody>
    </Card>
  );
}
