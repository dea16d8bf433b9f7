// A test that the type checker runs: a table that says nothing about projects must not compile.
import { tenancy } from "./tenancy.ts";

type Whole = typeof tenancy;
const { runs: _runs, ...without } = tenancy;
void ({ ...without, runs: tenancy.runs } satisfies Whole);
// @ts-expect-error a table is left out
void (without satisfies Whole);
// @ts-expect-error there is no such table
void ({ ...tenancy, planted: tenancy.runs } satisfies Whole);
// @ts-expect-error no way to belong to a project
void ({ ...tenancy, runs: { by: "nothing" } } satisfies Whole);
