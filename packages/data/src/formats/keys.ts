import type { Phrase } from "@anneal/contracts";
import type { Fields } from "./fields.ts";

/** One row while it is read: the objects in it, and the paths that the person leaves out. */
export class RowLedger {
  readonly #objects: Keys[] = [];
  readonly notes: Phrase[] = []; // what was read otherwise than it is called
  constructor(readonly leaveOut: ReadonlySet<string>) {}
  add(keys: Keys): void {
    this.#objects.push(keys);
  }
  /** What no reader took, by path. */
  *left(): Generator<[path: string, value: unknown]> {
    for (const keys of this.#objects) yield* keys.left();
  }
}

/**
 * The keys of one object of a row. A reader takes what it reads, so that what a row has beyond it is known; what is left
 * out is not there for it.
 */
export class Keys {
  readonly #taken = new Set<string>();
  constructor(
    readonly values: Fields,
    private readonly row: RowLedger,
    private readonly path = "",
  ) {
    row.add(this);
  }

  /** A value, without reading it. */
  peek(key: string): unknown {
    return Object.hasOwn(this.values, key) && !this.row.leaveOut.has(this.path + key) ? this.values[key] : undefined;
  }
  take(key: string): unknown {
    const value = this.peek(key);
    if (value !== undefined) this.#taken.add(key);
    return value;
  }
  /** Keys that hold something and are not taken yet. */
  names(): string[] {
    return Object.keys(this.values).filter((key) => !this.#taken.has(key) && (this.peek(key) ?? null) !== null);
  }
  note(words: Phrase): void {
    this.row.notes.push(words);
  }
  /** An object within this one, or one of a list of them (`messages[]`). */
  inner(values: Fields, name: string): Keys {
    return new Keys(values, this.row, `${this.path}${name}.`);
  }
  *left(): Generator<[path: string, value: unknown]> {
    for (const [key, value] of Object.entries(this.values)) if (!this.#taken.has(key)) yield [this.path + key, value];
  }
}
