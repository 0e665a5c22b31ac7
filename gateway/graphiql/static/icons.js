/** Icons: drawings in the strokes of GraphiQL's own. */

import { createElement as h } from "./vendor/graphiql.js";

/** A component that draws a path on 16 by 16. */
export const icon = (path) => (props) =>
  h(
    "svg",
    { ...props, viewBox: "0 0 16 16", fill: "none", stroke: "currentColor", strokeWidth: 1.2, "aria-hidden": true },
    h("path", { d: path, strokeLinecap: "round", strokeLinejoin: "round" }),
  );
