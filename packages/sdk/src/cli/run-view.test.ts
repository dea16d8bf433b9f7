import { Writable } from "node:stream";
import type { RunEvent } from "@anneal/contracts";
import { expect, test } from "vitest";
import { RunView } from "./run-view.ts";

// What a terminal gets, as text.
function terminal() {
  let text = "";
  const out = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  // What cli-progress asks of a terminal.
  Object.assign(out, {
    isTTY: true,
    columns: 160,
    rows: 40,
    cursorTo: () => true,
    moveCursor: () => true,
    clearLine: () => true,
  });
  return { out: out as unknown as NodeJS.WriteStream, text: () => text };
}
const event = (body: RunEvent["body"]): RunEvent => ({
  runId: "01a20d41-2042-7683-8e38-c5479e38136d",
  seq: 1,
  time: "2026-01-01T00:00:00Z",
  body,
});
const progress = (changes: object) =>
  event({
    type: "progress",
    progress: { stage: "train", step: 3, totalSteps: 9, fraction: 1 / 3, etaSeconds: 296, note: null, ...changes },
  });

test("a terminal shows the loss and the time that is left, and no figure of the bar's own", () => {
  const { out, text } = terminal();
  const view = new RunView(out);
  view.show(event({ type: "metrics", step: 3, tokens: 1, values: { "train/loss": 4.1103 } }));
  view.show(progress({}));
  view.close();
  expect(text()).toMatch(/step 3\/9 {2}loss 4\.1103 {2}4 min 56 s left/);
});

test.each([
  [{ etaSeconds: null }, /step 3\/9(?! *\d)/],
  [
    { stage: "prepare", fraction: 1, etaSeconds: null, note: "evaluating the base model" },
    /100% {2,}evaluating the base model/,
  ],
  [{ stage: "export", etaSeconds: 0 }, /33% {2,}0 s left/],
])("and nothing where nothing is known: %j", (changes, shown) => {
  const { out, text } = terminal();
  const view = new RunView(out);
  view.show(progress(changes));
  view.close();
  expect(text()).toMatch(shown);
});
