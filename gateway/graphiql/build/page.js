/** What the page uses of other people's software; what of it is not used stays out of the bundle. */

// GraphiQL imports its editor when it needs it, and with it styles that nobody would load then; so it is named here.
import "monaco-graphql/esm/lite.js";
import "monaco-graphql/esm/monaco-editor.js";
import "./page.css";

export { DOC_EXPLORER_PLUGIN } from "@graphiql/plugin-doc-explorer";
export { explorerPlugin } from "@graphiql/plugin-explorer";
export { HISTORY_PLUGIN } from "@graphiql/plugin-history";
export { ToolbarButton, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
export { GraphiQL } from "graphiql";
export { parse } from "graphql";
export { Fragment, createElement, useSyncExternalStore } from "react";
export { createRoot } from "react-dom/client";
