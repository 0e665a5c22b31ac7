/** The page: GraphiQL under a bar that signs it in. */

import { Bar } from "./bar.js";
import { blank, examples } from "./examples.js";
import { storage } from "./storage.js";

const { React, ReactDOM, GraphiQL } = globalThis;

// GraphiQL's dialogs add a style element of their own; this is the name under which they look for its nonce.
globalThis.__webpack_nonce__ = document.querySelector("link[nonce]").nonce;

const failure = (message) => ({ errors: [{ message }] });

/** GraphiQL's fetcher: an observable, so that its stop button ends the request, and the gateway the work. */
function fetcher(session) {
  return (operation, { headers } = {}) => ({
    subscribe(observer) {
      const stop = new AbortController();
      const give = (answer) => {
        if (stop.signal.aborted) return;
        observer.next(answer);
        observer.complete();
      };
      session.ask(operation, headers ?? {}, stop.signal).then(give, (error) => give(failure(error.message)));
      return { unsubscribe: () => stop.abort() };
    },
  });
}

const unknown = async () => {
  bar.focus();
  return failure("Sign in first, with the fields at the top of the page.");
};

const root = ReactDOM.createRoot(document.getElementById("graphiql"));
const logo = React.createElement(GraphiQL.Logo, {}, "GraphiQL");
let visits = 0;
let panel; // the title of the side panel that is open
const keepPanel = (plugin) => (panel = plugin?.title);

/** A new fetcher makes GraphiQL fetch the schema anew; a schema of null keeps it from asking. */
function render(session) {
  // Mounted anew for each visit, so that no answer and no header outlives the session it belongs to.
  if (!session) visits += 1;
  const props = {
    key: visits,
    fetcher: session ? fetcher(session) : unknown,
    schema: session ? undefined : null,
    storage,
    shouldPersistHeaders: false,
    defaultTabs: examples,
    defaultQuery: blank,
    defaultEditorToolsVisibility: "variables",
    visiblePlugin: panel,
    onTogglePluginVisibility: keepPanel,
  };
  root.render(React.createElement(GraphiQL, props, logo));
}

/** The explorer promises Ctrl-K for its search, but listens for the Mac's key alone. */
function find(event) {
  const search = document.querySelector(".graphiql-doc-explorer-search-input input");
  if (!event.ctrlKey || event.key !== "k" || !search) return;
  event.preventDefault();
  search.focus();
}

addEventListener("keydown", find);
const bar = new Bar(document.querySelector(".bar"), render);
