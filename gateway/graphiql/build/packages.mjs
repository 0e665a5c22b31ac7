/** The packages that files come from, and their licences. */

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const LINE = "=".repeat(100);

/** The folder of the package that a file belongs to; undefined for one of ours. */
const folderOf = (file) => file.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0];

/** A package's name with its version, and the text of its licence; without one, what its package.json declares. */
function read(path) {
  const { name, version, license, author } = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
  const files = readdirSync(path).filter((file) => /^(licen[cs]e|copying|notice|thirdparty|copyright)/i.test(file));
  const texts = files.sort().map((file) => readFileSync(join(path, file), "utf8").replaceAll("\r\n", "\n").trim());
  if (!texts.length && !license) throw new Error(`${name} says nothing of a licence.`);
  const by = author ? `, ${author.name ?? author}` : "";
  const text = texts.join("\n\n") || `${license}${by} (the package declares this and carries no text; see the same licence here)`;
  return { title: `${name} ${version}`, text };
}

/** The packages of files given by their paths below `root`: `title` and `text` of each, in order. */
export function packages(root, files) {
  const folders = [...new Set(files.map(folderOf).filter(Boolean))];
  const found = new Map(folders.map((folder) => read(join(root, folder))).map((each) => [each.title, each]));
  return [...found.values()].sort((a, b) => (a.title < b.title ? -1 : 1));
}

/** The text of LICENSES.txt: each licence once, under the packages that have it. */
export function licences(found) {
  const titles = new Map();
  for (const { title, text } of found) titles.set(text, [...(titles.get(text) ?? []), title]);
  const parts = [...titles].map(([text, names]) => `\n${LINE}\n${names.join("\n")}\n${LINE}\n\n${text}\n`);
  return `The files in vendor/ contain these packages.\n${parts.join("")}`;
}
