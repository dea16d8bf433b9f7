import type { AdapterResult, RunSpec } from "@anneal/contracts";
import { type PlateauState, plateauAfter } from "@anneal/engine";
import type { Cursor } from "../../run-directory/checkpoints.ts";

type Course = Pick<Cursor, "best" | "lastEvaluation" | "plateau" | "plateaus" | "stopping">;
type Settings = Pick<RunSpec, "schedule" | "earlyStopping">;
export interface Evaluated {
  step: number;
  loss: number | null;
  exactMatch: number | null;
  adapter: string | null; // side by side: the best one, whose figures these are
}
type AdapterLoss = Pick<AdapterResult, "name" | "loss">;

const freshPlateau: PlateauState = { best: null, bad: 0, cooling: 0, factor: 1 };

/**
 * What a held-out loss makes of the rest of the run: the best so far, the plateau's learning rate, whether to stop early. Of
 * adapters side by side the lowest loss counts; the plateau's rate follows each one's own.
 * A function of the cursor alone, so that an attempt that repeats an evaluation comes to the same.
 */
export function courseAfter(
  now: Course,
  evaluated: Evaluated,
  spec: Settings,
  adapters: readonly AdapterLoss[] = [],
): Course & { isBest: boolean } {
  const { step, loss } = evaluated;
  if (loss === null) return { ...now, lastEvaluation: evaluated, isBest: false };
  const isBest = now.best === null || loss < now.best.loss;
  return {
    isBest,
    lastEvaluation: evaluated,
    best: isBest ? { step, loss } : now.best,
    plateau: plateauOf(now.plateau, loss, spec),
    plateaus: Object.fromEntries(
      adapters.map(({ name, loss: own }) => {
        const state = now.plateaus[name] ?? freshPlateau;
        return [name, own === null ? state : plateauOf(state, own, spec)];
      }),
    ),
    stopping: stoppingOf(now.stopping, loss, spec),
  };
}

function plateauOf(state: PlateauState, loss: number, { schedule }: Settings): PlateauState {
  return schedule.kind === "plateau" ? plateauAfter(state, loss, schedule) : state;
}

function stoppingOf(state: Cursor["stopping"], loss: number, { earlyStopping }: Settings): Cursor["stopping"] {
  if (!earlyStopping) return state;
  if (state.best === null || loss < state.best - earlyStopping.minDelta) return { best: loss, bad: 0, stopped: false };
  const bad = state.bad + 1;
  return { ...state, bad, stopped: bad >= earlyStopping.patience };
}
