// How programs of ours become files that Node runs: the workspace's own packages go in, what npm installed stays outside.
import { build } from "esbuild";

/** @type {import("esbuild").Plugin} */
const npmPackagesStayOutside = {
  name: "npm-packages-stay-outside",
  setup(bundler) {
    bundler.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind === "entry-point" || path.startsWith("@anneal/") ? undefined : { path, external: true },
    );
  },
};

/** @param {import("esbuild").BuildOptions} options where from and where to */
export const bundle = (options) =>
  build({
    bundle: true,
    platform: "node",
    target: "node22.12",
    format: "esm",
    legalComments: "none",
    logLevel: "warning",
    plugins: [npmPackagesStayOutside],
    ...options,
  });
