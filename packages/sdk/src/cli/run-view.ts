import type { RunEvent } from "@anneal/contracts";
import { MultiBar, Presets, type SingleBar } from "cli-progress";
import { preferenceText } from "./summary.ts";
import { duration, oneLine, percent } from "./terminal.ts";

const stageWords: Record<string, string> = {
  prepare: "preparing",
  train: "training",
  evaluate: "evaluating",
  export: "exporting",
  benchmark: "measuring",
  publish: "publishing",
};
// cli-progress fills names of its own ({eta}, {value}, {total}, {percentage}, {duration}): ours are others.
const format = "{stage} |{bar}| {share}  {steps}{loss}{left}{note}";
const narrow = 100;

/** Draws a run as its events come: one bar per stage, with ETA and the live loss; plain lines where no person watches. */
export class RunView {
  private readonly bars: MultiBar | null;
  private bar: SingleBar | null = null;
  private stage = "";
  private loss: number | null = null;
  private lastTold = 0;

  constructor(
    private readonly out: NodeJS.WriteStream = process.stderr,
    private readonly now: () => number = Date.now,
  ) {
    this.bars = out.isTTY
      ? new MultiBar(
          {
            format,
            stream: out,
            hideCursor: true,
            clearOnComplete: false,
            barsize: 24,
            fps: 5,
            autopadding: false,
            forceRedraw: true,
          },
          Presets.shades_classic,
        )
      : null;
  }

  private say(line: string): void {
    if (this.bars) this.bars.log(`${line}\n`);
    else this.out.write(`${line}\n`);
  }

  show({ body }: RunEvent): void {
    if (body.type === "metrics") this.loss = body.values["train/loss_ema"] ?? body.values["train/loss"] ?? this.loss;
    else if (body.type === "progress") this.progress(body.progress);
    else if (body.type === "stage" && body.state !== "started" && this.stage === body.stage)
      this.closeStage(body.state);
    else if (body.type === "evaluation") {
      const { loss, exactMatch, rows, adapter } = body.result;
      const when = { before: "base model", during: `step ${body.step}`, after: "tuned model" }[body.which];
      const found = preferenceText(body.result) ?? `${percent(exactMatch)} exact`;
      this.say(
        `  ${when}: ${found}${loss === null ? "" : `, loss ${loss.toFixed(4)}`} on ${rows} rows${adapter ? ` (adapter ${adapter})` : ""}`,
      );
    } else if (body.type === "attempt" && body.resumedFromStep !== null)
      this.say(`  ${oneLine(body.workerName)} continues from step ${body.resumedFromStep}`);
    else if (body.type === "status" && body.problem)
      this.say(
        `  ${body.status}: ${oneLine(body.problem.message, 300)}${body.problem.remedy ? `; ${oneLine(body.problem.remedy, 300)}` : ""}`,
      );
    else if (body.type === "deployment" && body.problem)
      this.say(`  publishing: ${oneLine(body.problem.message, 300)}`);
    else if (body.type === "log" && (body.level === "warn" || body.level === "error"))
      this.say(`  ${oneLine(body.message, 300)}`);
  }

  private progress(progress: {
    stage: string;
    step: number;
    totalSteps: number;
    fraction: number;
    etaSeconds: number | null;
    note: string | null;
  }): void {
    const words = stageWords[progress.stage] ?? progress.stage;
    const payload = {
      stage: words.padEnd(10),
      share: `${Math.floor(progress.fraction * 100)}%`.padStart(4),
      steps:
        progress.totalSteps > 0 && progress.stage === "train" ? `step ${progress.step}/${progress.totalSteps}` : "",
      loss: this.loss === null ? "" : `  loss ${this.loss.toFixed(4)}`,
      left: progress.etaSeconds === null ? "" : `  ${duration(progress.etaSeconds)} left`,
      note: progress.note && (this.out.columns ?? narrow) >= narrow ? `  ${oneLine(progress.note, 40)}` : "",
    };
    if (this.stage !== progress.stage) {
      this.bar?.stop();
      this.bar = this.bars?.create(1000, 0, payload) ?? null;
      this.stage = progress.stage;
      this.lastTold = 0;
    }
    this.bar?.update(Math.round(progress.fraction * 1000), payload);
    // Without a terminal: a line now and then.
    if (!this.bars && (this.now() - this.lastTold > 5000 || progress.fraction >= 1)) {
      this.lastTold = this.now();
      this.say(`${payload.stage} ${payload.share}  ${payload.steps}${payload.loss}${payload.left}`);
    }
  }

  private closeStage(state: string): void {
    if (state === "finished") this.bar?.update(1000, { share: "100%", left: "" });
  }

  close(): void {
    this.bars?.stop();
  }
}
