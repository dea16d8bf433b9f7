// Where to go after signing in: a path of this console, never another site ("//host", "/\host" and schemes are refused).
export function safeNext(next: string | null | undefined): string {
  if (!next || !/^\/(?![/\\])/.test(next) || /\p{Cc}/u.test(next) || next.startsWith("/sign-in")) return "/runs";
  return next;
}
