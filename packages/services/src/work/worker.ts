// What workers need beside the services: the work itself. The console must never reach this (.dependency-cruiser.cjs).
export { inputsOf } from "../runs/pin-inputs.ts";
export { answer } from "./answers.ts";
export { workHere } from "./here.ts";
export {
  cancelRequest,
  claimRequest,
  clearRequests,
  endRequest,
  type RequestEnd,
  renewRequest,
  type WorkRequest,
} from "./requests.ts";
