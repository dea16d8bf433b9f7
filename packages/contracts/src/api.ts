import { z } from "zod";
import { accessApi } from "./access-api.ts";
import {
  ColumnMapping,
  CommittedDataset,
  DatasetCheck,
  DatasetFormat,
  DatasetRow,
  DatasetSummary,
  LeaveOut,
  UploadInspection,
} from "./dataset.ts";
import { DeploymentSummary } from "./deployment.ts";
import { RunEvent } from "./events.ts";
import { DisplayName, Id, Names, PageInput, page } from "./ids.ts";
import { JobOptions } from "./job.ts";
import { MetricNameSchema, MetricSeries } from "./metrics.ts";
import { Permission } from "./permissions.ts";
import { RunPlan } from "./plan.ts";
import { none, procedure } from "./procedure.ts";
import {
  ArtifactSummary,
  CheckpointSummary,
  RunCreated,
  RunDetail,
  RunStatus,
  RunSummary,
  SampleAnswer,
} from "./run.ts";
import { BaseModelRef, ModelSummary } from "./spec/base-model.ts";
import { GgufType, OllamaName, PresetName, RunSpec } from "./spec/run-spec.ts";
import { TeacherFileInput, TeacherFileSummary } from "./spec/teacher-file.ts";
import { objectiveKinds } from "./spec/training.ts";
import { strict } from "./strict.ts";
import {
  ApiTokenSummary,
  AuditHead,
  AuditVerdict,
  DoctorCheck,
  OllamaStatus,
  SystemStatus,
  WorkerSummary,
} from "./system.ts";

import { wellFormedText } from "./text.ts";
import { DataJob } from "./work/data-job.ts";

// The procedures of the tRPC router: what goes in, what comes out, who may call. The router is built from this table, the
// console and the typed client follow from the router's type. Uploads are HTTP (PUT /api/uploads), since tRPC carries JSON.
// Steps, numbers of events and of rows are 4-byte integers in the database.
const maxStep = 2 ** 31 - 1;
const RunId = strict({ runId: Id });

export const api = {
  ...accessApi,
  datasets: {
    list: procedure("query", "datasets:read", none, z.array(DatasetSummary)),
    get: procedure("query", "datasets:read", strict({ datasetId: Id }), DatasetSummary),
    // Looks at an uploaded file (or a path under the allowed folders) again with another format or mapping.
    inspect: procedure(
      "mutation",
      "datasets:write",
      strict({
        uploadId: Id,
        format: DatasetFormat.optional(),
        mapping: ColumnMapping.optional(),
        leaveOut: LeaveOut.optional(),
      }),
      UploadInspection,
    ),
    // A path on the server, below one of the folders in ANNEAL_DATA_DIRS.
    importPath: procedure(
      "mutation",
      "datasets:write",
      strict({
        path: wellFormedText().min(1).max(4096),
        format: DatasetFormat.optional(),
        mapping: ColumnMapping.optional(),
      }),
      UploadInspection,
    ),
    // Makes an immutable version of a dataset (a new dataset when the name is new). `skipBadLines` is needed when there are any,
    // `leaveOut` (or a mapping) for every field of the rows that looks like content and is not read.
    commit: procedure(
      "mutation",
      "datasets:write",
      strict({
        uploadId: Id,
        name: DisplayName,
        format: DatasetFormat.optional(),
        mapping: ColumnMapping.optional(),
        leaveOut: LeaveOut.optional(), // content of the rows that the version shall not hold
        skipBadLines: z.boolean().default(false),
      }),
      CommittedDataset,
    ),
    rows: procedure(
      "query",
      "datasets:read",
      strict({
        versionId: Id,
        offset: z.int().min(0).max(maxStep).default(0),
        limit: z.int().min(1).max(200).default(50),
      }),
      z.object({ rows: z.array(DatasetRow), total: z.int() }),
    ),
    // Renders rows with the model's own chat template and says which tokens are trained.
    check: procedure(
      "query",
      "datasets:read",
      strict({
        versionId: Id,
        base: BaseModelRef,
        maxSequenceTokens: z.int().min(8).default(1024),
        examples: z.int().min(1).max(50).default(10),
        /** What the rows are for: what it trains is shown and counted. Without one, all answers of the rows. */
        objective: z.enum(objectiveKinds).optional(),
        show: z.enum(["any", "troubled"]).default("any"), // troubled: only rows that are cut, without loss or unfollowed
      }),
      DatasetCheck,
    ),
    remove: procedure("mutation", "datasets:write", strict({ datasetId: Id }), z.object({ removed: z.boolean() })),
  },
  models: {
    list: procedure("query", "models:read", none, z.array(ModelSummary)),
    inspect: procedure("query", "models:read", strict({ ref: BaseModelRef }), ModelSummary),
    register: procedure("mutation", "models:write", strict({ ref: BaseModelRef, name: DisplayName }), ModelSummary),
    remove: procedure("mutation", "models:write", strict({ modelId: Id }), z.object({ removed: z.boolean() })),
  },
  runs: {
    presets: procedure(
      "query",
      "runs:read",
      none,
      z.array(z.object({ name: PresetName, spec: z.record(z.string(), z.unknown()) })),
    ),
    plan: procedure("query", "runs:read", strict({ spec: RunSpec }), RunPlan),
    create: procedure(
      "mutation",
      "runs:write",
      // The same key twice makes one run, as long as that run waits, trains or has succeeded; its first request's `job` counts. A
      // cancelled or failed run gives its key to the new one, which names it; a removed run frees its key.
      strict({
        spec: RunSpec,
        idempotencyKey: wellFormedText().min(8).max(200).optional(),
        job: JobOptions.optional(),
      }),
      RunCreated,
    ),
    list: procedure(
      "query",
      "runs:read",
      // Every word of `search` must be in the run's name, its base's, its dataset's or its kind, or begin its id.
      PageInput.extend({
        status: z.array(RunStatus).optional(),
        search: wellFormedText().max(200).optional(),
      }).prefault({}),
      // How many runs the search finds in each status, whatever `status` asks for.
      page(RunSummary).extend({ counts: z.partialRecord(RunStatus, z.int()) }),
    ),
    get: procedure("query", "runs:read", RunId, RunDetail),
    cancel: procedure("mutation", "runs:write", RunId, RunSummary),
    pause: procedure("mutation", "runs:write", RunId, RunSummary), // saves, gives the machine back
    resume: procedure("mutation", "runs:write", RunId, RunSummary), // paused, failed or cancelled runs that have a checkpoint (or start anew)
    saveCheckpoint: procedure("mutation", "runs:write", RunId, RunSummary), // stop-and-save without stopping: save now, go on
    remove: procedure("mutation", "runs:write", RunId, z.object({ removed: z.boolean() })),
    metrics: procedure(
      "query",
      "runs:read",
      strict({
        runId: Id,
        names: z.array(MetricNameSchema).max(1000).optional(),
        buckets: z.int().min(10).max(5000).default(1000),
        fromStep: z.int().min(0).max(maxStep).optional(),
      }),
      z.array(MetricSeries),
    ),
    events: procedure(
      "query",
      "runs:read",
      strict({
        runId: Id,
        afterSeq: z.int().min(-1).max(maxStep).default(-1),
        beforeSeq: z.int().min(0).max(maxStep).optional(), // to page back, newest first
        limit: z.int().min(1).max(1000).default(500),
        types: z.array(wellFormedText().max(100)).max(100).optional(),
        search: wellFormedText().max(200).optional(),
        newestFirst: z.boolean().default(false),
      }),
      z.array(RunEvent),
    ),
    samples: procedure("query", "runs:read", RunId, z.array(SampleAnswer)),
    checkpoints: procedure("query", "runs:read", RunId, z.array(CheckpointSummary)),
    // tracked(seq): a client that reconnects with the last seq it saw misses and doubles nothing.
    watch: procedure(
      "subscription",
      "runs:read",
      strict({ runId: Id, lastEventId: wellFormedText().max(200).nullish() }),
      RunEvent,
    ),
    // All runs at once, for the list page and the header: one stream per tab.
    watchAll: procedure(
      "subscription",
      "runs:read",
      strict({ lastEventId: wellFormedText().max(200).nullish() }).optional(),
      RunSummary,
    ),
  },
  artifacts: {
    list: procedure("query", "artifacts:read", strict({ runId: Id.optional() }).optional(), z.array(ArtifactSummary)),
    get: procedure("query", "artifacts:read", strict({ artifactId: Id }), ArtifactSummary), // bytes: GET /api/artifacts/ID
  },
  deployments: {
    list: procedure(
      "query",
      "deployments:read",
      strict({ runId: Id.optional() }).optional(),
      z.array(DeploymentSummary),
    ),
    // Publishes a run's GGUF, or that of one checkpoint ("publish this one"); also "publish again".
    publish: procedure(
      "mutation",
      "deployments:write",
      strict({
        runId: Id,
        checkpointId: Id.optional(),
        name: OllamaName,
        gguf: GgufType.default("Q8_0"),
        system: wellFormedText().max(20_000).nullish(),
      }),
      DeploymentSummary,
    ),
    retry: procedure("mutation", "deployments:write", strict({ deploymentId: Id }), DeploymentSummary),
    rollback: procedure("mutation", "deployments:write", strict({ deploymentId: Id }), DeploymentSummary),
  },
  teacherFiles: {
    list: procedure("query", "models:read", none, z.array(TeacherFileSummary)),
    get: procedure("query", "models:read", strict({ teacherFileId: Id }), TeacherFileSummary),
    make: procedure("mutation", "models:write", TeacherFileInput, TeacherFileSummary),
    retry: procedure("mutation", "models:write", strict({ teacherFileId: Id }), TeacherFileSummary),
    remove: procedure("mutation", "models:write", strict({ teacherFileId: Id }), z.object({ removed: z.boolean() })),
  },
  jobs: {
    list: procedure("query", "datasets:read", none, z.array(DataJob)),
    cancel: procedure("mutation", "datasets:write", strict({ jobId: Id }), z.object({ cancelled: z.boolean() })),
  },
  workers: {
    list: procedure("query", "system:read", none, z.array(WorkerSummary)),
    /** A token that lets one machine join, once, within an hour. */
    invite: procedure("mutation", "system:admin", none, z.object({ token: z.string(), expiresAt: z.string() })),
    cordon: procedure("mutation", "system:admin", strict({ workerId: Id }), WorkerSummary),
    drain: procedure("mutation", "system:admin", strict({ workerId: Id }), WorkerSummary),
    uncordon: procedure("mutation", "system:admin", strict({ workerId: Id }), WorkerSummary),
    remove: procedure("mutation", "system:admin", strict({ workerId: Id }), z.object({ removed: z.boolean() })),
  },
  system: {
    status: procedure("query", "system:read", none, SystemStatus),
    doctor: procedure("query", "system:read", none, z.array(DoctorCheck)),
    ollama: procedure("query", "system:read", none, OllamaStatus),
    tokens: procedure("query", "project:admin", none, z.array(ApiTokenSummary)),
    createToken: procedure(
      "mutation",
      "project:admin",
      strict({
        name: DisplayName,
        permissions: z.array(Permission).min(1),
        expiresInDays: z.int().min(1).max(3650).nullable().default(365),
      }),
      z.object({ token: z.string(), summary: ApiTokenSummary }), // the token is shown here and never again
    ),
    revokeToken: procedure("mutation", "project:admin", strict({ tokenId: Id }), z.object({ revoked: z.boolean() })),
    auditHead: procedure("query", "system:admin", none, AuditHead),
    verifyAudit: procedure("query", "system:admin", strict({ head: AuditHead.optional() }).optional(), AuditVerdict),
    // Of the project; for administrators of the installation of all.
    audit: procedure(
      "query",
      "project:admin",
      PageInput.prefault({}),
      page(
        z.object({
          id: Id,
          time: z.string(),
          actor: z.string(), // a name, which its owner chose
          actorKind: z.string(),
          actorId: z.string(),
          action: z.string(),
          subject: z.string(),
          details: z.record(z.string(), z.unknown()),
          names: Names,
        }),
      ),
    ),
  },
} as const;
export type Api = typeof api;

/** Calls in one batch: the server refuses more, the clients send no more. */
export const mostBatchedCalls = 50;

// What PUT /api/uploads?name=FILE answers.
export const UploadAnswer = UploadInspection;
export const artifactPath = (artifactId: string) => `/api/artifacts/${artifactId}`;
/** A report's file: one a language, English without a mark. */
export const reportName = (model: string, language = "en") =>
  `${model}-report${language === "en" ? "" : `.${language}`}.html`;
/** The report of a run in a language; runs of earlier versions have the English one alone. */
export function reportIn<T extends { kind: string; name: string }>(
  artifacts: readonly T[],
  language: string,
): T | null {
  const reports = artifacts.filter(({ kind }) => kind === "report");
  return (
    reports.find(({ name }) => name.endsWith(`-report.${language}.html`)) ??
    reports.find(({ name }) => isMainReport(name)) ??
    null
  );
}
export const isMainReport = (name: string): boolean => !/-report\.[a-z]{2}(-[A-Z]{2})?\.html$/.test(name);
export const reportPath = (artifactId: string) => `/api/artifacts/${artifactId}?inline=1`;
