export { inspect } from "./inspect.ts";
export { list } from "./list.ts";
export { register } from "./register.ts";
export { remove } from "./remove.ts";
export { resolveBase } from "./resolve-base.ts";
