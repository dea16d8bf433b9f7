export { canonicalLine } from "./canonical.ts";
export { type ImportedVersion, type ImportOptions, importVersion, removeVersionFile, versionPath } from "./import.ts";
export { type Inspection, type InspectOptions, inspectFile } from "./inspect.ts";
export { defaultLimits, type Limits } from "./limits.ts";
export { isWhole, openVersion } from "./open-version.ts";
export type { DatasetReader } from "./parquet-rows.ts";
export { type RowKeys, rowKeys } from "./row-keys.ts";
export { seal, unseal } from "./sealed.ts";
export { digestsPath } from "./version-digests.ts";
