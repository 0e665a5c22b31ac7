/** Fetcher: how GraphiQL's operations get to the gateway, and its answers back. */

const failure = (message) => ({ errors: [{ message }] });

/** Asks nobody, for there is nobody who asks. `remind` says so elsewhere. */
export const nobody = (remind) => async () => {
  remind();
  return failure("Sign in first, with the fields at the top of the page.");
};

/** An observable, so that GraphiQL's stop button ends the request, and the gateway the work. */
export const fetcher = (session) => (operation, { headers } = {}) => ({
  subscribe(observer) {
    const stop = new AbortController();
    const give = (answer) => {
      if (stop.signal.aborted) return;
      observer.next(answer);
      observer.complete();
    };
    session.ask(operation, headers ?? {}, stop.signal).then(give, (error) => give(failure(error.message)));
    return { unsubscribe: () => stop.abort() };
  },
});
