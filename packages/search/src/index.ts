export { type GpOptions, gpSampler } from "./gp/sampler.ts";
export { type AshaOptions, promotion, rungs } from "./pruning/asha.ts";
export { type MedianOptions, worseThanMedian } from "./pruning/median.ts";
export { gridSampler, randomSampler } from "./samplers.ts";
export * from "./study.ts";
export { type TpeOptions, tpeSampler } from "./tpe/sampler.ts";
