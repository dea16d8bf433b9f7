import type { Budget } from "./budget.ts";
import { areEqual, Dict, found, TemplateRefusal, type Value } from "./values.ts";

// The variable `loop` inside a for block.
export class LoopState {
  private readonly entries: readonly Value[];
  private readonly budget: Budget;
  private last: Value[] | null = null; // what changed() was given before

  constructor(entries: readonly Value[], budget: Budget) {
    this.entries = entries;
    this.budget = budget;
  }

  at(index: number): Dict {
    const { length } = this.entries;
    return new Dict([
      ["index", index + 1],
      ["index0", index],
      ["revindex", length - index],
      ["revindex0", length - index - 1],
      ["first", index === 0],
      ["last", index === length - 1],
      ["length", length],
      ["depth", 1],
      ["depth0", 0],
      ["previtem", found(this.entries[index - 1], "previtem")],
      ["nextitem", found(this.entries[index + 1], "nextitem")],
      [
        "cycle",
        {
          call: (args) => {
            if (args.length === 0) throw new TemplateRefusal("loop.cycle wants values");
            return args[index % args.length] as Value;
          },
        },
      ],
      ["changed", { call: (args) => this.changed(args) }],
    ]);
  }

  private changed(now: Value[]): boolean {
    const same = this.last !== null && areEqual(this.last, now, this.budget);
    this.last = now;
    return !same;
  }
}
