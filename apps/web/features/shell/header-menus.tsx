"use client";
import { LanguagesIcon, LogOutIcon, MonitorIcon, MoonIcon, SettingsIcon, SunIcon, UserRoundIcon } from "lucide-react";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useLocale, useTranslations } from "next-intl";
import { useTheme } from "next-themes";
import { toast } from "sonner";
import { Button } from "../../components/ui/button.tsx";
import {
  Menu,
  MenuContent,
  MenuItem,
  MenuLabel,
  MenuRadioGroup,
  MenuRadioItem,
  MenuSeparator,
  MenuTrigger,
} from "../../components/ui/menu.tsx";
import { localeCookie, localeNames, locales } from "../../lib/locale.ts";
import { useMounted } from "../../lib/use-mounted.ts";
import { authClient } from "../auth/auth-client.ts";
import { signOut } from "../auth/sign-out.ts";
import { ProjectChoice } from "../members/project-choice.tsx";

const themes = ["system", "light", "dark"] as const;
const themeIcons = { system: MonitorIcon, light: SunIcon, dark: MoonIcon };

// The theme is known in the browser only; the server draws the neutral look.
export function useThemeChoice() {
  const mounted = useMounted();
  const { theme, setTheme } = useTheme();
  const chosen = themes.find((name) => mounted && name === theme) ?? "system";
  return { chosen, setTheme, themes };
}

export function useLanguageChoice() {
  const router = useRouter();
  const chosen = useLocale();
  const choose = (locale: string) => {
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing on plain-http hosts
    document.cookie = `${localeCookie}=${locale}; path=/; max-age=31536000; samesite=lax`;
    router.refresh();
  };
  return { chosen, choose };
}

export function ThemeMenu() {
  const t = useTranslations("settings");
  const { chosen, setTheme } = useThemeChoice();
  const Icon = themeIcons[chosen];
  return (
    <Menu>
      <MenuTrigger asChild>
        <Button variant="ghost" size="icon" aria-label={t("theme")}>
          <Icon aria-hidden />
        </Button>
      </MenuTrigger>
      <MenuContent>
        <MenuRadioGroup value={chosen} onValueChange={setTheme}>
          {themes.map((name) => (
            <MenuRadioItem key={name} value={name}>
              {t(`themes.${name}`)}
            </MenuRadioItem>
          ))}
        </MenuRadioGroup>
      </MenuContent>
    </Menu>
  );
}

export function LanguageMenu() {
  const t = useTranslations("settings");
  const { chosen, choose } = useLanguageChoice();
  return (
    <Menu>
      <MenuTrigger asChild>
        <Button variant="ghost" size="icon" aria-label={t("language")}>
          <LanguagesIcon aria-hidden />
        </Button>
      </MenuTrigger>
      <MenuContent>
        <MenuRadioGroup value={chosen} onValueChange={choose}>
          {locales.map((locale) => (
            <MenuRadioItem key={locale} value={locale} lang={locale}>
              {localeNames[locale]}
            </MenuRadioItem>
          ))}
        </MenuRadioGroup>
      </MenuContent>
    </Menu>
  );
}

export function UserMenu() {
  const t = useTranslations();
  const { data } = authClient.useSession();
  const onSignOut = async () => {
    if (!(await signOut())) toast.error(t("auth.signOutFailed"));
  };
  return (
    <Menu>
      <MenuTrigger asChild>
        <Button variant="ghost" size="icon" aria-label={t("nav.account")}>
          <UserRoundIcon aria-hidden />
        </Button>
      </MenuTrigger>
      <MenuContent>
        {data ? <MenuLabel className="foreign max-w-56">{data.user.email}</MenuLabel> : null}
        <ProjectChoice />
        <MenuItem asChild>
          <Link href="/settings">
            <SettingsIcon aria-hidden />
            {t("nav.settings")}
          </Link>
        </MenuItem>
        <MenuSeparator />
        <MenuItem onSelect={onSignOut}>
          <LogOutIcon aria-hidden />
          {t("auth.signOut")}
        </MenuItem>
      </MenuContent>
    </Menu>
  );
}
