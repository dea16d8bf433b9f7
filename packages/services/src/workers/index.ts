export { invite, JoinInput, join } from "./join.ts";
export { cordon, drain, list, remove, uncordon } from "./manage.ts";
export { beat, leave, register, standing, type WorkerFacts, type WorkerState } from "./rows.ts";
