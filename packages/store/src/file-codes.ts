/** Whether the operating system refused with one of these codes. */
export const isCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && "code" in error && codes.includes(String(error.code));

/** Another file system, or one without hard links: the file must be copied. */
export const cannotLink = (error: unknown): boolean => isCode(error, "EXDEV", "EPERM", "EMLINK", "ENOTSUP");
