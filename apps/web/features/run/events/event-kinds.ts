import type { RunEventBody } from "@anneal/contracts";

export type EventType = RunEventBody["type"];
// Told in the list; metrics and progress are the curves' and the bar's.
export const toldTypes = [
  "status",
  "stage",
  "attempt",
  "checkpoint",
  "evaluation",
  "samples",
  "trained",
  "guard",
  "artifact",
  "deployment",
  "log",
] as const satisfies readonly EventType[];
export type ToldType = (typeof toldTypes)[number];

export type EventTone = "neutral" | "info" | "success" | "warning" | "danger";

// How much an event asks for attention.
export function toneOf(body: RunEventBody): EventTone {
  switch (body.type) {
    case "status":
      return body.status === "failed" ? "danger" : body.status === "succeeded" ? "success" : "info";
    case "stage":
      return body.state === "failed" ? "danger" : "neutral";
    case "deployment":
      return body.problem ? "danger" : body.status === "live" ? "success" : "neutral";
    case "log":
      return body.level === "error" ? "danger" : body.level === "warn" ? "warning" : "neutral";
    case "guard":
      return "warning";
    case "attempt":
      return body.resumedFromStep === null ? "neutral" : "warning";
    case "evaluation":
    case "trained":
      return "info";
    case "checkpoint":
      return body.isBest ? "success" : "neutral";
    default:
      return "neutral";
  }
}
