import type { RealFiles } from "./real-files.ts";

export interface Figure {
  label: string;
  value: string;
  passed?: boolean; // left out: no bound is set
}

export interface CaseOptions {
  files: RealFiles;
  change: Record<string, unknown>; // fields of the run's spec
  ollama: string | null;
  home: string | null;
}
export type Case = (options: CaseOptions) => Promise<Figure[]>;
