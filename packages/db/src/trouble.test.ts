import { expect, test } from "vitest";
import { type DatabaseTrouble, databaseTrouble } from "./trouble.ts";

const coded = (code: string) => Object.assign(new Error("x"), { code });
const cases: [string, Error, DatabaseTrouble | null][] = [
  ["refused", coded("ECONNREFUSED"), "away"],
  ["reset", coded("ECONNRESET"), "away"],
  ["shutting down", coded("57P01"), "away"],
  ["crashed", coded("57P02"), "away"],
  ["starting up", coded("57P03"), "away"],
  ["broken connection", coded("08006"), "away"],
  ["pg: terminated", new Error("Connection terminated unexpectedly"), "away"],
  ["disk full", coded("53100"), "full"],
  ["too many connections", coded("53300"), "busy"],
  ["out of memory", coded("53200"), "busy"],
  ["time limit", coded("57014"), "busy"],
  ["lock not had", coded("55P03"), "busy"],
  ["deadlock", coded("40P01"), "busy"],
  ["pool: no connection in time", new Error("timeout exceeded when trying to connect"), "busy"],
  ["pg: no answer in time", new Error("Query read timeout"), "busy"],
  ["wrapped by the query builder", new Error("Failed query", { cause: coded("53100") }), "full"],
  ["a row that is there already", coded("23505"), null],
  ["a mistake in SQL", coded("42601"), null],
  ["a value out of range", coded("22003"), null],
  ["our own disk", coded("ENOSPC"), null],
];
test.each(cases)("%s", (_, error, trouble) => expect(databaseTrouble(error)).toBe(trouble));
test("what is no error, and what lies behind a refusal of ours, is none", () => {
  expect(databaseTrouble("57P01")).toBeNull();
  const refusal = new Error("refused", { cause: coded("57P01") });
  expect(databaseTrouble(refusal, (error) => error === refusal)).toBeNull();
});
