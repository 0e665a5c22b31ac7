/** Events: a subscription's answers, out of a stream of server-sent events (graphql-sse, a connection for each). */

const BETWEEN = /\r?\n\r?\n/;

/** An event's name, and its lines of data as one text. */
function parse(block) {
  const lines = block.split(/\r?\n/).map((line) => line.match(/^(\w*): ?(.*)$/)).filter(Boolean);
  const values = (wanted) => lines.filter(([, name]) => name === wanted).map(([, , value]) => value);
  return { name: values("event").at(-1) ?? "message", data: values("data").join("\n") };
}

/** The blocks of a stream, each when it is there as a whole. */
async function* blocks(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let kept = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const found = (kept + value).split(BETWEEN);
      kept = found.pop();
      yield* found;
    }
  } finally {
    await reader.cancel();
  }
}

/** The answers in a stream, until it says that there are no more. */
export async function* answers(body) {
  for await (const block of blocks(body)) {
    const { name, data } = parse(block);
    if (name === "complete") return;
    if (name === "next") yield JSON.parse(data);
  }
}
