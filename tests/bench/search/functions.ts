// Fixed functions on which samplers are compared: the usual ones of global optimisation, and spaces like those of training.
import { SearchSpace } from "@anneal/contracts";

export interface TestFunction {
  name: string;
  space: SearchSpace;
  minimum: number;
  at(point: Record<string, number>): number;
}

const box = (ends: [number, number][]) =>
  SearchSpace.parse(Object.fromEntries(ends.map(([low, high], i) => [`x${i}`, { kind: "float", low, high }])));
const vector = (point: Record<string, number>) =>
  Object.keys(point)
    .sort()
    .map((name) => point[name] as number);
const plain = (name: string, ends: [number, number][], minimum: number, f: (x: number[]) => number): TestFunction => ({
  name,
  space: box(ends),
  minimum,
  at: (point) => f(vector(point)),
});
const cube = (n: number, low: number, high: number) => Array.from({ length: n }, (): [number, number] => [low, high]);
const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

const hartmann = (a: number[][], p: number[][]) => (x: number[]) =>
  -sum(
    [1, 1.2, 3, 3.2].map(
      (c, i) => c * Math.exp(-sum(x.map((v, j) => (a[i]?.[j] as number) * (v - (p[i]?.[j] as number)) ** 2))),
    ),
  );

/** Loss of a fine-tuning run in the shape that one has: a valley in the learning rate, less in the rest. */
const tuning = (point: Record<string, number | string>) => {
  const lr = Math.log10(point.learningRate as number);
  const rank = Math.log2(point.rank as number);
  const best = point.optimizer === "lion" ? -4.5 : point.optimizer === "sgd" ? -1.8 : -3.6;
  const offset = point.optimizer === "lion" ? 0.02 : point.optimizer === "sgd" ? 0.25 : 0;
  const bend = lr > best ? 0.9 : 0.25;
  return 1 + offset + bend * (lr - best) ** 2 + 0.01 * (rank - 4) ** 2 + 0.3 * ((point.decay as number) - 0.03) ** 2;
};

export const functions: TestFunction[] = [
  plain(
    "Branin",
    [
      [-5, 10],
      [0, 15],
    ],
    0.39788735772973816,
    ([x = 0, y = 0]) =>
      (y - (5.1 / (4 * Math.PI ** 2)) * x * x + (5 / Math.PI) * x - 6) ** 2 +
      10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) +
      10,
  ),
  plain(
    "Goldstein-Price",
    cube(2, -2, 2),
    3,
    ([x = 0, y = 0]) =>
      (1 + (x + y + 1) ** 2 * (19 - 14 * x + 3 * x * x - 14 * y + 6 * x * y + 3 * y * y)) *
      (30 + (2 * x - 3 * y) ** 2 * (18 - 32 * x + 12 * x * x + 48 * y - 36 * x * y + 27 * y * y)),
  ),
  plain(
    "Six-hump camel",
    [
      [-3, 3],
      [-2, 2],
    ],
    -1.031628453489877,
    ([x = 0, y = 0]) => (4 - 2.1 * x * x + x ** 4 / 3) * x * x + x * y + (-4 + 4 * y * y) * y * y,
  ),
  plain(
    "Hartmann 3",
    cube(3, 0, 1),
    -3.86278214782076,
    hartmann(
      [
        [3, 10, 30],
        [0.1, 10, 35],
        [3, 10, 30],
        [0.1, 10, 35],
      ],
      [
        [0.3689, 0.117, 0.2673],
        [0.4699, 0.4387, 0.747],
        [0.1091, 0.8732, 0.5547],
        [0.0381, 0.5743, 0.8828],
      ],
    ),
  ),
  plain(
    "Hartmann 6",
    cube(6, 0, 1),
    -3.32236801141551,
    hartmann(
      [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
      ],
      [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
      ],
    ),
  ),
  plain("Rosenbrock 4", cube(4, -2, 2), 0, (x) =>
    sum(x.slice(1).map((v, i) => 100 * (v - (x[i] as number) ** 2) ** 2 + (1 - (x[i] as number)) ** 2)),
  ),
  plain("Levy 4", cube(4, -10, 10), 0, (x) => {
    const w = x.map((v) => 1 + (v - 1) / 4);
    const last = w.at(-1) as number;
    return (
      Math.sin(Math.PI * (w[0] as number)) ** 2 +
      sum(w.slice(0, -1).map((v) => (v - 1) ** 2 * (1 + 10 * Math.sin(Math.PI * v + 1) ** 2))) +
      (last - 1) ** 2 * (1 + Math.sin(2 * Math.PI * last) ** 2)
    );
  }),
  plain(
    "Ackley 5",
    cube(5, -15, 25),
    0,
    (x) =>
      -20 * Math.exp(-0.2 * Math.sqrt(sum(x.map((v) => v * v)) / x.length)) -
      Math.exp(sum(x.map((v) => Math.cos(2 * Math.PI * v))) / x.length) +
      20 +
      Math.E,
  ),
  plain(
    "Rastrigin 3",
    cube(3, -4, 5),
    0,
    (x) => 10 * x.length + sum(x.map((v) => v * v - 10 * Math.cos(2 * Math.PI * v))),
  ),
  plain(
    "Styblinski-Tang 4",
    cube(4, -5, 5),
    -156.66466281508565,
    (x) => 0.5 * sum(x.map((v) => v ** 4 - 16 * v * v + 5 * v)),
  ),
  {
    name: "Training: rate, rank, decay, optimizer",
    space: SearchSpace.parse({
      learningRate: { kind: "float", low: 1e-6, high: 1e-1, log: true },
      rank: { kind: "int", low: 1, high: 128, log: true },
      decay: { kind: "float", low: 0, high: 0.3, step: 0.01 },
      optimizer: { kind: "categorical", choices: ["adamw", "lion", "sgd"] },
    }),
    minimum: 1,
    at: (point) => tuning(point),
  },
  {
    name: "Steps: eight ints and a choice",
    space: SearchSpace.parse({
      ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`n${i}`, { kind: "int", low: 0, high: 15 }])),
      kind: { kind: "categorical", choices: [0, 1, 2, 3] },
    }),
    minimum: 0,
    at: (point) =>
      sum(Array.from({ length: 8 }, (_, i) => ((point[`n${i}`] as number) - ((i * 5 + 3) % 16)) ** 2)) / 8 +
      2 * (point.kind as number),
  },
];
