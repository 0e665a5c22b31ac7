/** Fetcher: how GraphiQL's operations get to the gateway, and its answers back. */

import { nameOf, subscribes } from "./operations.js";

const failure = (message) => ({ errors: [{ message }] });

/** Asks nobody, for there is nobody who asks. `remind` says so elsewhere. */
export const nobody = (remind) => async () => {
  remind();
  return failure("Sign in first, with the fields at the top of the page.");
};

/** An observable, so that GraphiQL's stop button ends the request, and the gateway the work. */
export const fetcher = (session) => ({ query, variables, operationName }, { headers = {} } = {}) => ({
  subscribe(observer) {
    const operation = { query, variables, operationName: nameOf(query, operationName) };
    const { signal, ...stop } = stoppable();
    const give = (answer) => signal.aborted || observer.next(answer);
    const run = async () => {
      if (!subscribes(query, operationName)) return give(await session.ask(operation, headers, signal));
      for await (const answer of session.follow(operation, headers, signal)) give(answer);
    };
    run()
      .catch((error) => give(failure(error.message)))
      .finally(() => signal.aborted || observer.complete());
    return stop;
  },
});

function stoppable() {
  const controller = new AbortController();
  return { signal: controller.signal, unsubscribe: () => controller.abort() };
}
