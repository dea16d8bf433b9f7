"use client";
import type { DeploymentStatus, RunStatus } from "@anneal/contracts";
import {
  BanIcon,
  CircleAlertIcon,
  CircleCheckIcon,
  ClockIcon,
  CloudOffIcon,
  HistoryIcon,
  LoaderCircleIcon,
  type LucideIcon,
  PauseIcon,
  Undo2Icon,
} from "lucide-react";
import { useTranslations } from "next-intl";
import { Badge, type BadgeTone } from "../../components/ui/badge.tsx";

const looks: Record<RunStatus, [BadgeTone, LucideIcon]> = {
  queued: ["neutral", ClockIcon],
  running: ["info", LoaderCircleIcon],
  pausing: ["warning", LoaderCircleIcon],
  paused: ["warning", PauseIcon],
  cancelling: ["warning", LoaderCircleIcon],
  cancelled: ["neutral", BanIcon],
  failed: ["danger", CircleAlertIcon],
  succeeded: ["success", CircleCheckIcon],
};

export function StatusChip({ status }: { status: RunStatus }) {
  const t = useTranslations("runs.status");
  const [tone, Icon] = looks[status];
  const spins = Icon === LoaderCircleIcon;
  return (
    <Badge tone={tone} data-status={status}>
      <Icon className={spins ? "animate-spin" : undefined} aria-hidden />
      {t(status)}
    </Badge>
  );
}

const deploymentLooks: Record<DeploymentStatus, [BadgeTone, LucideIcon]> = {
  pending: ["neutral", ClockIcon],
  publishing: ["info", LoaderCircleIcon],
  live: ["success", CircleCheckIcon],
  failed: ["danger", CircleAlertIcon],
  unreachable: ["warning", CloudOffIcon],
  superseded: ["neutral", HistoryIcon],
  drifted: ["warning", CircleAlertIcon],
  rolled_back: ["neutral", Undo2Icon],
};

export function DeploymentChip({ status }: { status: DeploymentStatus }) {
  const t = useTranslations("run.deploymentStatus");
  const [tone, Icon] = deploymentLooks[status];
  return (
    <Badge tone={tone} data-status={status}>
      <Icon className={Icon === LoaderCircleIcon ? "animate-spin" : undefined} aria-hidden />
      {t(status)}
    </Badge>
  );
}
