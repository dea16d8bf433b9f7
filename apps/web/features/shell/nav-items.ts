import {
  DatabaseIcon,
  LayersIcon,
  ListChecksIcon,
  type LucideIcon,
  PlusIcon,
  RadioTowerIcon,
  SettingsIcon,
} from "lucide-react";

export interface NavItem {
  href: string;
  label: "runs" | "newRun" | "datasets" | "models" | "served" | "settings";
  icon: LucideIcon;
  keys: string; // a shortcut, keys in turn
}
export const navItems: readonly NavItem[] = [
  { href: "/runs", label: "runs", icon: ListChecksIcon, keys: "g r" },
  { href: "/datasets", label: "datasets", icon: DatabaseIcon, keys: "g d" },
  { href: "/models", label: "models", icon: LayersIcon, keys: "g m" },
  { href: "/served", label: "served", icon: RadioTowerIcon, keys: "g v" },
  { href: "/settings", label: "settings", icon: SettingsIcon, keys: "g s" },
];
export const newRunItem: NavItem = { href: "/runs/new", label: "newRun", icon: PlusIcon, keys: "n" };
