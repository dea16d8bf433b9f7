export { canonicalLine } from "./canonical.ts";
export { digestOfVersion, type ImportedVersion, type ImportOptions, importVersion, versionPath } from "./import.ts";
export { type Inspection, type InspectOptions, inspectFile } from "./inspect.ts";
export { defaultLimits, type Limits } from "./limits.ts";
export { type DatasetReader, openVersion } from "./open-version.ts";
