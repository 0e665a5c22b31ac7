/** The gateway's page: a bar that signs in, and GraphiQL under it, which takes a moment to load. */

import { Bar } from "./bar.js";
import { fetcher, nobody } from "./fetcher.js";

const page = import("./page.js");
const bar = new Bar(document.querySelector(".bar"), show);

async function show(session) {
  const { show } = await page;
  show(session, session ? fetcher(session) : nobody(() => bar.focus()));
}
