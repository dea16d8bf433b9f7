import type { EngineMemoryPlan, SpeedProbe as Probe } from "@anneal/contracts";

export interface MemoryPlan extends EngineMemoryPlan {
  /** Of the activations, what each layer keeps for backward; one entry for all layers that share their buffers. */
  layerActivationBytes: number[];
  /** Only where a probe was given. */
  secondsPerStep?: number;
}

export interface SpeedProbe extends Probe {
  tokensPerSecond: number;
}
