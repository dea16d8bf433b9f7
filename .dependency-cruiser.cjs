// Who may import whom (docs/ARCHITECTURE.md, "Layers"). Every rule is an error.
const layer = (name, from, allowed) => ({
  name,
  severity: "error",
  from: { path: from, pathNot: "\\.test\\.tsx?$" },
  to: { path: "^(packages|apps|tests)/", pathNot: allowed },
});
// The rooms of the trainer child from the top; a room imports itself and those after it.
const trainer = "^apps/worker/src/trainer/";
const trainerRooms = ["report", "(export|teacher)", "loop", "evaluate", "prepare", "context"].map(
  (room, index, rooms) => ({
    name: `trainer-room-${room.replace(/[()|]/g, "-")}-imports-downward`,
    severity: "error",
    from: { path: `${trainer}${room}/` },
    to: { path: trainer, pathNot: rooms.slice(index).map((below) => `${trainer}${below}/`) },
  }),
);
module.exports = {
  forbidden: [
    {
      name: "no-circular",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "contracts-need-only-zod",
      severity: "error",
      from: { path: "^packages/contracts/" },
      to: { pathNot: ["^packages/contracts/", "^node_modules/zod/"] },
    },
    layer("db-on-contracts", "^packages/db/", ["^packages/(db|contracts)/"]),
    layer("text-on-contracts", "^packages/text/", ["^packages/(text|contracts)/"]),
    layer("data-on-contracts", "^packages/data/", ["^packages/(data|contracts)/"]),
    layer("store-on-contracts", "^packages/store/", ["^packages/(store|contracts)/"]),
    layer("engine-on-contracts", "^packages/engine/", ["^packages/(engine|contracts)/"]),
    layer("ollama-on-contracts", "^packages/ollama/", ["^packages/(ollama|contracts)/"]),
    layer("report-on-contracts", "^packages/report/", ["^packages/(report|contracts)/"]),
    layer("search-on-contracts", "^packages/search/", ["^packages/(search|contracts)/"]),
    layer("services-layer", "^packages/services/", ["^packages/(services|db|contracts|text|data|store)/"]),
    layer("sdk-on-contracts", "^packages/sdk/", ["^packages/(sdk|contracts)/"]),
    layer("worker-layer", "^apps/worker/", [
      "^apps/worker/",
      "^packages/(services|db|engine|text|data|store|contracts|ollama|report)/",
      "^apps/web/messages/zh-CN/phrases\\.json$", // the report speaks both languages
    ]),
    ...trainerRooms,
    {
      name: "export-and-teacher-stand-apart",
      severity: "error",
      from: { path: `${trainer}(export|teacher)/` },
      to: { path: `${trainer}(export|teacher)/`, pathNot: `${trainer}$1/` },
    },
    {
      name: "nobody-reaches-into-the-trainer",
      severity: "error",
      from: { path: "^(apps|packages)/", pathNot: [trainer, "\\.test\\.tsx?$"] },
      to: { path: trainer },
    },
    layer("web-server-layer", "^apps/web/server/", [
      "^apps/web/server/",
      "^packages/(services|db|contracts|engine|store|ollama)/",
    ]),
    {
      name: "browser-needs-only-contracts",
      severity: "error",
      from: { path: "^apps/web/(features|components|lib)/" },
      to: {
        path: "^(packages|apps)/",
        pathNot: [
          "^packages/contracts/",
          "^apps/web/(features|components|lib|messages)/",
          "^apps/web/server/router\\.ts$",
        ],
      },
    },
    {
      name: "browser-takes-only-the-routers-type",
      severity: "error",
      from: { path: "^apps/web/(features|components|lib)/" },
      to: { path: "^apps/web/server/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "drizzle-in-db-and-services",
      severity: "error",
      from: {
        pathNot: ["^packages/(db|services)/", "^apps/web/server/auth", "^tests/", "^packages/.*\\.config\\.ts$"],
      },
      to: { path: "^node_modules/drizzle-orm/" },
    },
    {
      // Row-level security keeps services within their project. What all projects share is looked at here, and nowhere else.
      name: "across-projects-where-something-is-shared",
      severity: "error",
      from: {
        pathNot: [
          "^packages/services/src/(datasets/remove|tokens/(create|revoke)|users/index|audit-trail/(index|seal)|system/audit-trail)\\.ts$",
          "^tests/",
        ],
      },
      to: { path: "^packages/db/src/across-projects\\.ts$" },
    },
    {
      // A connection of a service's own would see every project.
      name: "services-use-the-connection-they-are-given",
      severity: "error",
      from: { path: "^packages/services/" },
      to: { path: ["^node_modules/pg/", "^packages/db/src/client\\.ts$"] },
    },
    {
      name: "pg-boss-in-worker-and-its-adapter",
      severity: "error",
      from: { pathNot: ["^apps/worker/", "^apps/web/server/queue\\.ts$", "^tests/"] },
      to: { path: "^node_modules/pg-boss/" },
    },
    {
      name: "trpc-in-web-and-sdk",
      severity: "error",
      from: { pathNot: ["^apps/web/", "^packages/sdk/", "^tests/"] },
      to: { path: "^node_modules/@trpc/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: ["\\.next/", "/dist/", "/build/", "/build-sanitize/"] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "types", "default"],
      extensions: [".ts", ".tsx", ".js", ".mjs", ".cjs", ".json"],
    },
  },
};
