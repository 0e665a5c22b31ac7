/** Page: GraphiQL, mounted for one session at a time. */

import "./policy.js";

import { examplesPlugin, tab } from "./examples.js";
import { fetcher, nobody } from "./fetcher.js";
import { storage } from "./storage.js";
import { DOC_EXPLORER_PLUGIN, GraphiQL, HISTORY_PLUGIN, createElement as h, createRoot, explorerPlugin } from "./vendor/graphiql.js";

/** What a new tab begins with. */
const BLANK = "# Ctrl-Space completes, Ctrl-Enter runs.\n\n";

const root = createRoot(document.getElementById("graphiql"));
let visits = 0;

function render(props) {
  // Mounted anew for each visit, so that no answer and no header outlives the session it belongs to.
  visits += 1;
  const always = {
    key: visits,
    shouldPersistHeaders: false,
    defaultQuery: BLANK,
    defaultEditorToolsVisibility: "variables",
    referencePlugin: DOC_EXPLORER_PLUGIN,
  };
  root.render(h(GraphiQL, { ...always, ...props }, h(GraphiQL.Logo, {}, "GraphiQL")));
}

/** Shows GraphiQL to nobody: without a schema, and with nothing remembered. `remind` says that one has to sign in. */
export function close(remind) {
  render({ fetcher: nobody(remind), schema: null, storage: storage("nobody"), plugins: [] });
}

/** Shows GraphiQL to whoever is signed in. */
export async function open(session) {
  const { caller } = session;
  const examples = await session.get("/examples");
  const library = examplesPlugin(examples);
  render({
    fetcher: fetcher(session),
    storage: storage(`${caller.party}/${caller.person ?? caller.application}`),
    plugins: [library, explorerPlugin(), HISTORY_PLUGIN],
    visiblePlugin: library,
    defaultTabs: examples.slice(0, 3).map(tab),
  });
}
