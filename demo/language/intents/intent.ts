/** One wish a customer can have. Training and test questions come from different templates. */
export interface Intent {
  label: string;
  train: readonly string[];
  test: readonly string[];
  /** What a helpful clerk answers; used only to teach the base model the language of banks, never the label. */
  answers: readonly string[];
}
