import { api, type DatasetRow, messagesOf, ServiceError, say } from "@anneal/contracts";
import { openVersion } from "@anneal/data";
import { verb } from "../verb.ts";
import { findVersion } from "./find-version.ts";

const mostCharacters = 32 * 1024 ** 2;
const lengthOf = (row: DatasetRow) => messagesOf(row).reduce((sum, { content }) => sum + content.length, 0);

export const rows = verb(api.datasets.rows, async (ctx, { versionId, offset, limit }) => {
  const version = await findVersion(ctx, versionId, "versionId");
  const reader = await openVersion(version.path);
  try {
    const rows = await reader.read(offset, limit);
    const characters = rows.reduce((sum, row) => sum + lengthOf(row), 0);
    if (characters > mostCharacters)
      throw new ServiceError("INVALID_INPUT", say`limit: these ${rows.length} rows hold ${characters} characters`, {
        field: "limit",
        remedy: say`ask for fewer rows at once`,
      });
    return { rows, total: reader.rows };
  } finally {
    await reader.close();
  }
});
