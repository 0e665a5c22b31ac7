/** The gateway's page: a bar that signs in, and GraphiQL under it, which takes a moment to load. */

import { Bar } from "./bar.js";

const loading = document.querySelector(".loading");
const page = import("./page.js");
page.catch(() => (loading.textContent = "GraphiQL could not be loaded. Is the gateway running? Then load this page again."));

let latest;
const bar = new Bar(document.querySelector(".bar"), async (session) => {
  latest = session;
  const { open, close } = await page;
  if (!session) return close(() => bar.focus());
  // Without examples one can still ask.
  const examples = await session.get("/examples").catch(() => []);
  if (session === latest) open(session, examples);
});
