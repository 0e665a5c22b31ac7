/** The gateway's page: a bar that signs in, and GraphiQL under it, which takes a moment to load. */

import { Bar } from "./bar.js";

const FAILED = "GraphiQL could not be loaded. Is the gateway running? Then load this page again.";

const page = import("./page.js").catch(() => {
  document.querySelector(".loading").textContent = FAILED;
});

let latest;
const bar = new Bar(document.querySelector(".bar"), async (session) => {
  latest = session;
  const graphiql = await page;
  if (!graphiql) return;
  if (!session) return graphiql.close(() => bar.focus());
  // Without examples one can still ask.
  const examples = await session.get("/examples").catch(() => []);
  if (session === latest) graphiql.open(session, examples);
});
