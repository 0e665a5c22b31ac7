/** Page: GraphiQL, mounted for one session at a time. */

import "./policy.js";

import { storage } from "./storage.js";
import { DOC_EXPLORER_PLUGIN, GraphiQL, HISTORY_PLUGIN, createElement, createRoot, explorerPlugin } from "./vendor/graphiql.js";

/** What a new tab begins with. */
const BLANK = "# Ctrl-Space completes, Ctrl-Enter runs.\n\n";

const root = createRoot(document.getElementById("graphiql"));
const plugins = [HISTORY_PLUGIN, explorerPlugin()];
let visits = 0;

/** Shows GraphiQL with a fetcher; without a session it asks for no schema. */
export function show(session, fetcher) {
  // Mounted anew for each visit, so that no answer and no header outlives the session it belongs to.
  visits += 1;
  const props = {
    key: visits,
    fetcher,
    schema: session ? undefined : null,
    storage,
    shouldPersistHeaders: false,
    defaultQuery: BLANK,
    defaultEditorToolsVisibility: "variables",
    plugins,
    referencePlugin: DOC_EXPLORER_PLUGIN,
  };
  root.render(createElement(GraphiQL, props, createElement(GraphiQL.Logo, {}, "GraphiQL")));
}
