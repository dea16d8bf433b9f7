// An answer that is an error: HTTP status and Ollama's `{"error": text}`.
export class ReplyError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = "ReplyError";
    this.status = status;
  }
}

export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
