import { BanIcon, type LucideIcon, PauseIcon, PlayIcon, SaveIcon, Trash2Icon } from "lucide-react";
import type { RunAction } from "./run-actions.ts";

export const actionIcons: Record<RunAction, LucideIcon> = {
  cancel: BanIcon,
  pause: PauseIcon,
  resume: PlayIcon,
  saveCheckpoint: SaveIcon,
  remove: Trash2Icon,
};
