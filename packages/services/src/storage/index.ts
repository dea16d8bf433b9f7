export { adoptFiles } from "./adopt.ts";
export { checkpointFiles } from "./checkpoint-files.ts";
export { clearStore, namedDigests } from "./garbage.ts";
export { type FilesSettings, openFiles } from "./open-files.ts";
export { artifactFile, runFilePath } from "./run-file.ts";
export { storeVersionFile, versionFile } from "./version-file.ts";
