"use client";
import { useTranslations } from "next-intl";
import { PageHeader } from "../../components/page-header.tsx";
import { Tabs, TabsContent, TabsList, TabsTrigger } from "../../components/ui/tabs.tsx";
import { useUrlState } from "../../lib/use-url-state.ts";
import { MembersPanel } from "../members/members-panel.tsx";
import { AccountPanel } from "./account-panel.tsx";
import { AuditPanel } from "./audit-panel.tsx";
import { LookPanel } from "./look-panel.tsx";
import { SystemPanel } from "./system-panel.tsx";
import { TokensPanel } from "./tokens-panel.tsx";

const tabs = ["system", "members", "tokens", "account", "audit", "look"] as const;
type Tab = (typeof tabs)[number];
const readTab = (text: string | null): Tab => tabs.find((name) => name === text) ?? "system";

export function SettingsPage() {
  const t = useTranslations("settings");
  const [tab, setTab] = useUrlState("tab", readTab);
  return (
    <>
      <PageHeader title={t("title")} titleText={t("title")} description={t("description")} />
      <Tabs value={tab} onValueChange={(value) => setTab(readTab(value))}>
        <TabsList aria-label={t("tabs.label")}>
          {tabs.map((name) => (
            <TabsTrigger key={name} value={name}>
              {t(`tabs.${name}`)}
            </TabsTrigger>
          ))}
        </TabsList>
        <TabsContent value="system">
          <SystemPanel />
        </TabsContent>
        <TabsContent value="members">
          <MembersPanel />
        </TabsContent>
        <TabsContent value="tokens">
          <TokensPanel />
        </TabsContent>
        <TabsContent value="account">
          <AccountPanel />
        </TabsContent>
        <TabsContent value="audit">
          <AuditPanel />
        </TabsContent>
        <TabsContent value="look">
          <LookPanel />
        </TabsContent>
      </Tabs>
    </>
  );
}
