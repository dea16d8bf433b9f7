import type { SearchParameter, SearchPoint, SearchSpace, SearchValue } from "@anneal/contracts";

export type NumericParameter = Exclude<SearchParameter, { kind: "categorical" }>;
export type CategoricalParameter = Extract<SearchParameter, { kind: "categorical" }>;

/** Parameters in an order in which each comes after the one it depends on. */
export function ordered(space: SearchSpace): string[] {
  const order: string[] = [];
  const visit = (name: string) => {
    if (order.includes(name)) return;
    const parent = space[name]?.when?.parameter;
    if (parent !== undefined) visit(parent);
    order.push(name);
  };
  for (const name of Object.keys(space).sort()) visit(name);
  return order;
}

export function isActive(parameter: SearchParameter, point: SearchPoint): boolean {
  if (!parameter.when) return true;
  return (
    parameter.when.parameter in point && parameter.when.values.includes(point[parameter.when.parameter] as SearchValue)
  );
}

/** Distinct values of a numeric parameter; Infinity where it is continuous. */
export function levels(p: NumericParameter): number {
  if (p.high === p.low) return 1;
  const step = p.step ?? 0;
  return step > 0 ? Math.floor((p.high - p.low) / step + 1e-9) + 1 : Number.POSITIVE_INFINITY;
}

/**
 * The interval on which a numeric parameter is searched: its logarithm where asked; a stepped one owns half a step
 * beyond both ends, so that its end values are as likely as the others.
 */
export function range(p: NumericParameter): { low: number; high: number } {
  const half = p.step === null || p.high === p.low ? 0 : p.step / 2;
  const top = p.step === null ? p.high : p.low + (levels(p) - 1) * p.step;
  const low = p.low - half;
  const high = top + half;
  return p.log ? { low: Math.log(low > 0 ? low : p.low / 2), high: Math.log(high) } : { low, high };
}

/** A value on the searched interval -> the parameter's value: back from the logarithm, to the nearest step, within its ends. */
export function fromRange(p: NumericParameter, x: number): number {
  const plain = p.log ? Math.exp(x) : x;
  if (p.step === null) return Math.min(p.high, Math.max(p.low, plain));
  const index = Math.min(levels(p) - 1, Math.max(0, Math.round((plain - p.low) / p.step)));
  const value = p.low + index * p.step;
  return p.kind === "int" ? Math.round(value) : Number(value.toPrecision(15));
}

export const toRange = (p: NumericParameter, value: number): number => (p.log ? Math.log(value) : value);

/** A point from numbers in [0, 1), one for each parameter in order; those of inactive parameters are not used. */
export function fromUnit(space: SearchSpace, order: string[], unit: number[]): SearchPoint {
  const point: SearchPoint = {};
  order.forEach((name, i) => {
    const p = space[name] as SearchParameter;
    if (!isActive(p, point)) return;
    const u = unit[i] as number;
    if (p.kind === "categorical") {
      point[name] = p.choices[Math.min(p.choices.length - 1, Math.floor(u * p.choices.length))] as SearchValue;
      return;
    }
    const { low, high } = range(p);
    point[name] = fromRange(p, low + u * (high - low));
  });
  return point;
}

/** Text that two equal points share. */
export const keyOf = (point: SearchPoint): string =>
  JSON.stringify(
    Object.keys(point)
      .sort()
      .map((name) => [name, point[name]]),
  );

/** Number of points of a space whose parameters are all discrete; Infinity otherwise. Conditions are followed. */
export function sizeOf(space: SearchSpace, most = 1e6): number {
  const continuous = (p: SearchParameter) =>
    p.kind !== "categorical" && (p.log || levels(p) === Number.POSITIVE_INFINITY) && p.high > p.low;
  if (Object.values(space).some(continuous)) return Number.POSITIVE_INFINITY;
  let count = 0;
  for (const _ of enumerate(space)) if (++count >= most) return Number.POSITIVE_INFINITY;
  return count;
}

/** Every point of a discrete space, in order; a continuous parameter gives `perContinuous` values, evenly on its scale. */
export function* enumerate(space: SearchSpace, perContinuous = Number.POSITIVE_INFINITY): Generator<SearchPoint> {
  const order = ordered(space);
  function* from(i: number, point: SearchPoint): Generator<SearchPoint> {
    const name = order[i];
    if (name === undefined) {
      yield { ...point };
      return;
    }
    const p = space[name] as SearchParameter;
    if (!isActive(p, point)) {
      yield* from(i + 1, point);
      return;
    }
    for (const value of valuesOf(p, perContinuous)) yield* from(i + 1, { ...point, [name]: value });
  }
  yield* from(0, {});
}

function* valuesOf(p: SearchParameter, perContinuous: number): Generator<SearchValue> {
  if (p.kind === "categorical") {
    yield* p.choices;
    return;
  }
  const count = Math.min(
    levels(p),
    p.log ? Math.max(1, perContinuous) : levels(p) === Number.POSITIVE_INFINITY ? perContinuous : levels(p),
  );
  if (count === 1) {
    yield p.low;
    return;
  }
  const low = toRange(p, p.low);
  const top = p.step === null || p.log ? p.high : p.low + (levels(p) - 1) * p.step;
  const seen = new Set<number>();
  for (let i = 0; i < count; i++) {
    const value = fromRange(p, low + (i / (count - 1)) * (toRange(p, top) - low));
    if (!seen.has(value)) yield value;
    seen.add(value);
  }
}
