/** Page: GraphiQL, mounted for one session at a time. */

import "./policy.js";

import { accessPlugin } from "./access.js";
import { examplesPlugin, tab } from "./examples.js";
import { Explanation } from "./explanation.js";
import { fetcher, nobody } from "./fetcher.js";
import { ExplainButton, Refusals } from "./refusals.js";
import { storage } from "./storage.js";
import {
  DOC_EXPLORER_PLUGIN,
  Fragment,
  GraphiQL,
  HISTORY_PLUGIN,
  createElement as h,
  createRoot,
  explorerPlugin,
} from "./vendor/graphiql.js";

/** What a new tab begins with. */
const BLANK = "# Ctrl-Space completes, Ctrl-Enter runs.\n\n";

const root = createRoot(document.getElementById("graphiql"));
let visits = 0;

function render(props, ...children) {
  // Mounted anew for each visit, so that no answer and no header outlives the session it belongs to.
  visits += 1;
  const always = {
    key: visits,
    shouldPersistHeaders: false,
    defaultQuery: BLANK,
    defaultEditorToolsVisibility: "variables",
    referencePlugin: DOC_EXPLORER_PLUGIN,
  };
  root.render(h(GraphiQL, { ...always, ...props }, h(GraphiQL.Logo, {}, "GraphiQL"), ...children));
}

/** Shows GraphiQL to nobody: without a schema, and with nothing remembered. `remind` says that one has to sign in. */
export function close(remind) {
  render({ fetcher: nobody(remind), schema: null, storage: storage("nobody"), plugins: [] });
}

/** The editor's buttons, with one more. */
const toolbar = (explanation) => ({ prettify, merge, copy }) =>
  h(Fragment, {}, h(ExplainButton, { explanation }), prettify, merge, copy);

/** Shows GraphiQL to whoever is signed in, with these examples. */
export function open(session, examples) {
  const { party, person, application } = session.caller;
  const explanation = new Explanation(session);
  const library = examplesPlugin(examples);
  render(
    {
      fetcher: fetcher(session),
      storage: storage(`${party}/${person ?? application}`),
      plugins: [library, accessPlugin(explanation), explorerPlugin(), HISTORY_PLUGIN],
      visiblePlugin: library,
      defaultTabs: examples.slice(0, 3).map(tab),
    },
    h(GraphiQL.Toolbar, {}, toolbar(explanation)),
    h(GraphiQL.Footer, {}, h(Refusals, { explanation })),
  );
}
