/** Prints the licences of all that static/vendor/ contains; the argument is a node_modules folder. */

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const modules = process.argv[2];

/** GraphiQL's own packages are in the bundle by the folder names of their repository. */
const FOLDERS = {
  "graphiql-react": "@graphiql/react",
  "graphiql-toolkit": "@graphiql/toolkit",
  "graphiql-plugin-doc-explorer": "@graphiql/plugin-doc-explorer",
  "graphiql-plugin-history": "@graphiql/plugin-history",
  src: "graphiql",
};

/** The packages whose sources were bundled into graphiql.min.js, as its source map says. */
function bundled() {
  const { sources } = JSON.parse(readFileSync(join(modules, "graphiql/graphiql.min.js.map"), "utf8"));
  const names = sources.map((source) => {
    const path = source.split("node_modules/").at(-1).replace(/^(\.\.\/)+/, "").split("/");
    return path[0].startsWith("@") ? `${path[0]}/${path[1]}` : path[0];
  });
  return new Set(names.map((name) => FOLDERS[name] ?? name));
}

/** A package's name with its version, and the text of its licence; without one, what its package.json declares. */
function licence(name) {
  const folder = join(modules, name);
  const { version, license, author } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice|thirdparty|copyright)/i.test(file));
  const texts = files.sort().map((file) => readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim());
  const by = author ? `, ${author.name ?? author}` : "";
  const text = texts.join("\n\n") || `${license}${by} (the package declares this and carries no text; see the same licence here)`;
  return { title: `${name} ${version}`, text };
}

const names = [...bundled(), "react", "react-dom", "scheduler", "@fontsource/fira-code"];
const missing = names.filter((name) => !existsSync(join(modules, name)));
if (missing.length) throw new Error(`Not installed, so without a licence: ${missing.join(", ")}`);

const titles = new Map();
for (const { title, text } of [...new Set(names)].sort().map(licence)) {
  titles.set(text, [...(titles.get(text) ?? []), title]);
}
const line = "=".repeat(100);
console.log("The files in vendor/ contain these packages. graphiql.min.css also contains the fonts Roboto");
console.log("(Copyright 2011 Google Inc., Apache License 2.0, as @react-aria below) and Fira Code.");
for (const [text, packages] of titles) console.log(`\n${line}\n${packages.join("\n")}\n${line}\n\n${text}`);
