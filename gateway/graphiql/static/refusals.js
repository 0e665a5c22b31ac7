/** Refusals: where somebody asks why, beside the editor and under an answer of which something was refused. */

import { icon } from "./icons.js";
import { nameOf } from "./operations.js";
import { ToolbarButton, createElement as h, useGraphiQL, useGraphiQLActions } from "./vendor/graphiql.js";

const CODES = new Set(["UNAUTHORIZED_FIELD_OR_TYPE", "UNAUTHORIZED_OPERATION"]);
const QUESTION = "M5.5 6a2.5 2.5 0 1 1 3.6 2.200C8.4 8.6 8 9 8 10M8 12.5h.01";

const LABEL = "Explain access, cost and plan";

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Explains the operation in the editor, in the panel for it. */
export function useExplain(explanation) {
  const { setVisiblePlugin } = useGraphiQLActions();
  const { query, variables, operationName } = useGraphiQL((state) => ({
    query: state.queryEditor,
    variables: state.variableEditor,
    operationName: state.operationName,
  }));
  return () => {
    setVisiblePlugin("Access");
    const given = parse(variables.getValue()) ?? {};
    const document = query.getValue();
    explanation.ask({ document, variables: given, operationName: nameOf(document, operationName) });
  };
}

/** A button among the editor's. */
export function ExplainButton({ explanation }) {
  const explain = useExplain(explanation);
  const drawing = h(icon(QUESTION), { className: "graphiql-toolbar-icon" });
  return h(ToolbarButton, { label: LABEL, onClick: explain }, drawing);
}

/** A line under the answer that is shown; nothing where nothing was refused. */
export function Refusals({ explanation }) {
  const explain = useExplain(explanation);
  const response = useGraphiQL(({ tabs, activeTabIndex }) => tabs[activeTabIndex]?.response);
  const refused = parse(response)?.errors?.filter(({ extensions }) => CODES.has(extensions?.code)).length;
  if (!refused) return null;
  return h(
    "p",
    { className: "refusals", role: "status" },
    refused === 1 ? "One thing was refused." : `${refused} things were refused.`,
    h("button", { type: "button", onClick: explain }, "Explain why"),
  );
}
