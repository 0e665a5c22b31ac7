/**
 * Bundles what the page uses of other people's software: `node build.mjs FOLDER`.
 *
 * FOLDER gets vendor/, LICENSES.txt and vendored.json, which says of which packages vendor/ is made and what its files
 * must be. The same packages make the same bytes wherever this runs.
 */

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { licences, packages } from "./packages.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const folder = resolve(process.argv[2]);
const vendor = join(folder, "vendor");

const common = {
  absWorkingDir: here,
  outdir: vendor,
  bundle: true,
  minify: true,
  target: "es2022",
  define: { "process.env.NODE_ENV": '"production"' },
  // The old names lead to scripts that add themselves to a global, and are found by nobody in a bundle.
  alias: { "prettier/parser-babel": "prettier/plugins/babel", "prettier/parser-graphql": "prettier/plugins/graphql" },
  legalComments: "none", // they stand in LICENSES.txt
  metafile: true,
  logLevel: "warning",
};

/** The page's scripts, styles and fonts. What is needed only now and then is a chunk of its own. */
const page = {
  ...common,
  entryPoints: { graphiql: "page.js" },
  format: "esm",
  splitting: true,
  chunkNames: "[name]-[hash]",
  assetNames: "[name]",
  loader: { ".ttf": "file", ".woff2": "file" },
};

/** What the editor runs beside the page, each in a single file. */
const workers = {
  ...common,
  entryPoints: {
    "editor.worker": "monaco-editor/esm/vs/editor/editor.worker.js",
    "graphql.worker": "monaco-graphql/esm/graphql.worker.js",
    "json.worker": "monaco-editor/esm/vs/language/json/json.worker.js",
  },
  format: "iife",
};

rmSync(vendor, { recursive: true, force: true });
mkdirSync(vendor, { recursive: true });
const outputs = [await build(page), await build(workers)].flatMap(({ metafile }) => Object.values(metafile.outputs));

// A chunk's styles repeat those of the page, and nobody would load them.
const repeated = (name) => name.endsWith(".css") && name !== "graphiql.css";
readdirSync(vendor).filter(repeated).forEach((name) => rmSync(join(vendor, name)));

const found = packages(here, outputs.flatMap(({ inputs }) => Object.keys(inputs)));
const digest = (name) => createHash("sha256").update(readFileSync(join(vendor, name))).digest("hex");
const files = Object.fromEntries(readdirSync(vendor).sort().map((name) => [name, digest(name)]));
const made = { packages: found.map(({ title }) => title), files };
writeFileSync(join(folder, "vendored.json"), `${JSON.stringify(made, null, 2)}\n`);
writeFileSync(join(folder, "LICENSES.txt"), licences(found));
