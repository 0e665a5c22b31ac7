/** Examples: a panel of operations that the person may run as they stand. */

import { icon } from "./icons.js";
import { createElement as h, useGraphiQL, useGraphiQLActions } from "./vendor/graphiql.js";

const BOOK = "M2 2.5h4.5a1.5 1.5 0 0 1 1.5 1.5v9.5a1.5 1.5 0 0 0-1.5-1.5H2zM14 2.5H9.5a1.5 1.5 0 0 0-1.5 1.5v9.5a1.5 1.5 0 0 1 1.5-1.5H14z";

/** An example as a tab of GraphiQL's. */
export const tab = ({ document, variables }) => ({
  query: document,
  variables: Object.keys(variables).length ? JSON.stringify(variables, null, 2) : "",
});

/** Whether a text is worth nothing to whoever wrote it: it says nothing, or is one of the examples as it came. */
const worthless = (text, examples) =>
  !text.replaceAll(/#.*/g, "").trim() || examples.some(({ document }) => document === text);

/** Puts an example into the editor, and into a tab of its own where something else is there. */
function useOpen(examples) {
  const { addTab, updateActiveTabValues } = useGraphiQLActions();
  const { query, variables, response } = useGraphiQL((state) => ({
    query: state.queryEditor,
    variables: state.variableEditor,
    response: state.responseEditor,
  }));
  return (example) => {
    if (!worthless(query.getValue(), examples)) addTab();
    const shown = tab(example);
    query.setValue(shown.query);
    variables.setValue(shown.variables);
    // An answer to what was there before would be taken for one to this.
    response.setValue("");
    updateActiveTabValues({ response: null });
    query.focus();
  };
}

function Group({ name, examples, open }) {
  const entry = (example) =>
    h("li", { key: example.title }, h("button", { type: "button", onClick: () => open(example) }, example.title));
  return h("section", {}, h("h3", {}, name), h("ul", {}, examples.map(entry)));
}

function Examples({ examples }) {
  const open = useOpen(examples);
  const names = [...new Set(examples.map(({ group }) => group))];
  const group = (name) =>
    h(Group, { key: name, name, open, examples: examples.filter((example) => example.group === name) });
  return h(
    "div",
    { className: "panel examples" },
    h("h2", {}, "Examples"),
    h("p", {}, "Ready to run as they stand, with the scopes of this sign-in."),
    names.map(group),
  );
}

/** The panel, as a plugin of GraphiQL's. */
export const examplesPlugin = (examples) => ({
  title: "Examples",
  icon: icon(BOOK),
  content: () => h(Examples, { examples }),
});
