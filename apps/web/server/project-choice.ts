import { projectCookie, projectHeader, projectParameter } from "@anneal/contracts";

export interface ProjectChoice {
  name: string;
  /** Named by the request itself; what a browser chose last may be out of date, and is passed over then. */
  firm: boolean;
}

function cookieOf(headers: Headers): string | null {
  for (const part of (headers.get("cookie") ?? "").split(";")) {
    const [name, value] = part.trim().split("=", 2);
    if (name === projectCookie && value) return value;
  }
  return null;
}

/** The project that a request names, by id or name: its header, its address, or the browser's last choice. */
export function chosenProject({ headers, url }: Pick<Request, "headers" | "url">): ProjectChoice | null {
  const written = headers.get(projectHeader);
  const named = written === null ? new URL(url).searchParams.get(projectParameter) : decode(written);
  if (named) return { name: named, firm: true };
  const last = cookieOf(headers);
  return last ? { name: last, firm: false } : null;
}

// Headers carry ASCII alone; names do not.
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
