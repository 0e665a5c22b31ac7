/** Access: a panel that says what would become of the operation in the editor, and why. */

import { icon } from "./icons.js";
import { useExplain } from "./refusals.js";
import { createElement as h, useSyncExternalStore } from "./vendor/graphiql.js";

const KEY = "M8.7 7.3a3.5 3.5 0 1 0-2.2 2.2L8 11h1.5v1.5H11V14h3v-1.5zM5 5.5h.01";

const many = (count, noun) => (count === 1 ? `1 ${noun}` : `${count} ${noun}s`);
const listed = (className, entries) => h("ul", { className }, entries);
const place = (path) => path.filter((step) => step !== "@").join(" › ");

/** What is said of each field, and of each type of an interface that may not be asked for; each once. */
function findings(fields) {
  const all = fields.flatMap(({ possibleTypes, ...field }) => [
    field,
    ...(possibleTypes ?? [])
      .filter(({ refusal }) => refusal)
      .map(({ name, ...type }) => ({ ...type, path: [...field.path, `… on ${name}`] })),
  ]);
  return [...new Map(all.map((each) => [JSON.stringify(each), each])).values()];
}

function Section({ title, children }) {
  return h("section", {}, h("h3", {}, title), children);
}

function Scopes({ names }) {
  return names.map((name) => h("code", { key: name, className: "chip" }, name));
}

/** What decided, in one line; nothing where everybody may. */
function Rule({ rule }) {
  return h("small", {}, rule ?? "No scope is needed.");
}

function Verdict({ runs, allowed, missingScopes, refused }) {
  if (!runs) return h("p", { className: "verdict no" }, "It would not be run.");
  if (allowed) return h("p", { className: "verdict yes" }, "All of it may be asked for.");
  return h(
    "p",
    { className: "verdict part" },
    `It would run in part: ${refused === 1 ? "one thing is" : `${refused} things are`} refused. All of it needs also `,
    h(Scopes, { names: missingScopes }),
  );
}

function Errors({ errors }) {
  const entry = ({ message, line, column }, index) =>
    h("li", { key: index }, message, line !== null && h("small", {}, `line ${line}, column ${column}`));
  return errors.length > 0 && h(Section, { title: "Why" }, listed("cards", errors.map(entry)));
}

function Refused({ found }) {
  const entry = ({ path, rule, missingScopes, refusal }, index) =>
    h(
      "li",
      { key: index },
      h("strong", {}, place(path)),
      h(Rule, { rule }),
      missingScopes.length > 0 && h("div", {}, "Missing: ", h(Scopes, { names: missingScopes })),
      h("div", {}, refusal.message),
      h("small", {}, refusal.becomesNull.length ? `${place(refusal.becomesNull)} is null.` : "There is no data then."),
    );
  return found.length > 0 && h(Section, { title: "Refused" }, listed("cards refused", found.map(entry)));
}

function Allowed({ found }) {
  const entry = ({ path, rule }, index) => h("li", { key: index }, place(path), h(Rule, { rule }));
  const folded = h("details", {}, h("summary", {}, many(found.length, "field")), listed("cards", found.map(entry)));
  return found.length > 0 && h(Section, { title: "Allowed" }, folded);
}

function Rows({ tables }) {
  const entry = ({ name, meaning }) => h("li", { key: name }, h("strong", {}, name), h("div", {}, meaning));
  return tables.length > 0 && h(Section, { title: "Which rows" }, listed("cards", tables.map(entry)));
}

function Call({ path, coordinate, reached, error, statements, partnerCalls }) {
  return h(
    "li",
    {},
    h("strong", {}, place(path)),
    h("small", {}, coordinate, !reached && "; whether it is called depends on the rows"),
    error && h("div", {}, error),
    statements.map(({ sql }, index) => h("pre", { key: index, tabIndex: 0 }, sql)),
    partnerCalls.map(({ connector, name }, index) => h("div", { key: index }, `Asks ${connector}: ${name}`)),
  );
}

function Plan({ levels }) {
  const level = ({ calls }, index) =>
    h(
      "details",
      { key: index, open: index === 0 },
      h("summary", {}, `Level ${index + 1}: ${many(calls.length, "call")}`),
      listed("cards", calls.map((call, index) => h(Call, { key: index, ...call }))),
    );
  return levels.length > 0 && h(Section, { title: "Plan" }, levels.map(level));
}

function Cost({ cost }) {
  const words = (count) => count.toLocaleString("en");
  const text = cost && `Estimated cost ${words(cost.estimated)}, of ${words(cost.limit)} at most.`;
  return cost && h("p", {}, text);
}

function Explained({ explained }) {
  const found = findings(explained.fields);
  const refused = found.filter(({ refusal }) => refusal);
  return [
    h(Verdict, { key: "verdict", ...explained, refused: refused.length }),
    h(Cost, { key: "cost", ...explained }),
    h(Errors, { key: "errors", ...explained }),
    h(Refused, { key: "refused", found: refused }),
    h(Rows, { key: "rows", ...explained }),
    h(Allowed, { key: "allowed", found: found.filter(({ refusal }) => !refusal) }),
    h(Plan, { key: "plan", ...explained }),
  ];
}

const PHASES = {
  none: () => h("p", {}, "What would become of the operation in the editor if you ran it, and why; nothing of it is run."),
  asking: () => h("p", {}, "Asking the gateway…"),
  failed: ({ reason }) => h("p", { className: "verdict no" }, reason),
  known: Explained,
};

function Access({ explanation }) {
  const state = useSyncExternalStore(explanation.subscribe, explanation.state);
  const explain = useExplain(explanation);
  return h(
    "div",
    { className: "panel access" },
    h("h2", {}, "Access"),
    h("button", { type: "button", className: "button", onClick: explain }, "Explain the operation"),
    h("div", { "aria-live": "polite", "aria-busy": state.phase === "asking" }, h(PHASES[state.phase], state)),
  );
}

/** The panel, as a plugin of GraphiQL's. */
export const accessPlugin = (explanation) => ({
  title: "Access",
  icon: icon(KEY),
  content: () => h(Access, { explanation }),
});
