/** Explanation: what the gateway says of an operation before it is run; asked for once, shown wherever it is of use. */

const QUERY = `query Explain($document: String!, $variables: JSON, $operationName: String) {
  explainAccess(document: $document, variables: $variables, operationName: $operationName) {
    runs
    allowed
    missingScopes
    errors { message line column }
    cost { estimated limit }
    fields {
      path
      rule
      missingScopes
      refusal { message becomesNull }
      possibleTypes { name rule missingScopes refusal { message becomesNull } }
    }
    tables { name meaning }
    levels {
      calls {
        path
        coordinate
        reached
        error
        statements { sql }
        partnerCalls { connector name }
      }
    }
  }
}`;

/** The explanation that a session asked for last, as a store: `phase` is none, asking, known or failed. */
export class Explanation {
  #session;
  #heard = new Set();
  #state = { phase: "none" };

  constructor(session) {
    this.#session = session;
  }

  /** Asks for the explanation of an operation: `document`, `variables` and `operationName`. */
  async ask(operation) {
    const asking = { phase: "asking" };
    this.#tell(asking);
    const found = await this.#answer(operation);
    if (this.#state === asking) this.#tell(found);
  }

  subscribe = (heard) => {
    this.#heard.add(heard);
    return () => this.#heard.delete(heard);
  };

  state = () => this.#state;

  async #answer(operation) {
    try {
      const { data, errors } = await this.#session.ask({ query: QUERY, variables: operation });
      if (data?.explainAccess) return { phase: "known", explained: data.explainAccess };
      return { phase: "failed", reason: errors?.[0]?.message ?? "The gateway does not explain it." };
    } catch (error) {
      return { phase: "failed", reason: error.message };
    }
  }

  #tell(state) {
    this.#state = state;
    this.#heard.forEach((heard) => heard());
  }
}
