import type { Actor, WorkInput, WorkKind, WorkOutput, WorkProgress } from "@anneal/contracts";

/** In whose name work is done, and how long its answer is waited for. */
export interface Asker {
  actor: Actor;
  projectId: string | null;
  signal?: AbortSignal;
}

export interface AskOptions {
  /** What the jobs list calls it. */
  title?: string;
  /** The worker whose machine the question is about; while it lives no other answers. */
  worker?: string;
  onProgress?: (progress: WorkProgress) => void;
}

/** Work on rows, tokenizers and models, done where they lie. A refusal comes back as the ServiceError that it was. */
export interface WorkPort {
  ask<K extends WorkKind>(asker: Asker, kind: K, input: WorkInput<K>, options?: AskOptions): Promise<WorkOutput<K>>;
}
