/** Operations: what stands in the editor at this moment, which GraphiQL itself notices a little later. */

import { parse } from "./vendor/graphiql.js";

function operationsIn(document) {
  try {
    return parse(document).definitions.filter(({ kind }) => kind === "OperationDefinition");
  } catch {
    return []; // the gateway says what is wrong with it
  }
}

/** The operation of this name in a document, or the only one that it has. */
function chosen(document, name) {
  const found = operationsIn(document);
  return found.find((each) => each.name?.value === name) ?? (found.length === 1 ? found[0] : undefined);
}

/** The name of the operation to run; undefined where it has none, or none of several was chosen. */
export const nameOf = (document, name) => chosen(document, name)?.name?.value;

export const subscribes = (document, name) => chosen(document, name)?.operation === "subscription";
