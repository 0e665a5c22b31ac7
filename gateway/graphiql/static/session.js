/** Session: a token at work in this page. It is held in memory alone. */

import { answers } from "./events.js";
import { Refused, claimsOf, fetchToken, read, send } from "./tokens.js";

const GRAPHQL = "/graphql";
const ANSWER = "application/graphql-response+json, application/json";
const EVENTS = "text/event-stream";
const CALLER = "{ caller { party application purpose scopes } }";
const RETRY = 10_000; // ms until a failed renewal is tried again
const NEARLY = 5_000; // ms before its end from which a token is not sent any more

const B64TOKEN = /^[\w.~+/-]+=*$/; // RFC 6750, 2.1

const REASONS = {
  invalid_client: "No application has this id and secret.",
  invalid_scope: "This application may not have these scopes, or they are misspelt.",
  unauthorized_client: "This application may not get a token in this way.",
};

/** `id:secret` as RFC 6749, 2.3.1 has it: each form-encoded first, so that any character may occur. */
function basic({ application, secret }) {
  return `Basic ${btoa(`${encodeURIComponent(application)}:${encodeURIComponent(secret)}`)}`;
}

/** An application that proves itself by its secret (RFC 6749, 4.4), as often as a token is needed. */
function service({ application, secret, scope, purpose }) {
  const form = { grant_type: "client_credentials", scope, purpose };
  const headers = { Authorization: basic({ application, secret }) };
  return { renew: () => fetchToken(form, REASONS, headers), leave: async () => {}, forget: () => {} };
}

/** When a pasted token ends, in ms since the epoch, as far as it says. */
function endOf(token) {
  const { exp } = claimsOf(token);
  return Number.isFinite(exp) ? exp * 1000 : Infinity;
}

/** Whether a stream says with this answer that its token is not good any more. */
const lapses = ({ errors }) => errors?.some(({ extensions }) => extensions?.code === "UNAUTHENTICATED") ?? false;

/** Events: `ended` (with `detail`, why), `delayed` (a renewal failed and is tried again), `renewed`. */
export class Session extends EventTarget {
  #source;
  #token;
  #renewal;
  #timer;
  #closed = new AbortController();

  /** Signs in with an application's id and secret. */
  static open(credentials) {
    return Session.of(service(credentials));
  }

  /** Signs in with tokens of a source, `renew()`, until `close`. */
  static async of(source) {
    const session = new Session();
    session.#source = source;
    session.#keep(await source.renew());
    return session.#introduced();
  }

  /** Signs in with a token from elsewhere, which nobody here can renew. */
  static async paste(value) {
    if (!B64TOKEN.test(value)) throw new Refused("This is no access token: it has signs that no token has.");
    const session = new Session();
    session.#keep({ value, end: endOf(value) });
    return session.#introduced();
  }

  /** When the token ends (ms since the epoch), or null when it renews itself. */
  get end() {
    return this.#source ? null : this.#token.end;
  }

  /** The answer to an operation; what its own `headers` say goes before what the session would send. */
  async ask(operation, headers = {}, signal = undefined) {
    return read(await this.#post(operation, ANSWER, headers, signal));
  }

  /** The answers to a subscription as they come, until it ends; a token that ends first gives way to the next. */
  async *follow(operation, headers = {}, signal = undefined) {
    while (yield* this.#stream(operation, headers, signal)) await this.#renew();
  }

  /** What the gateway has for this caller below its endpoint. */
  async get(path) {
    const response = await this.#send(`${GRAPHQL}${path}`, { headers: { Accept: "application/json" } });
    const body = await read(response);
    if (response.ok) return body;
    throw new Error(body.errors?.[0]?.message ?? `The gateway answered ${response.status}.`);
  }

  /** The answers of one connection; says in the end whether only the token had ended, of which there is another. */
  async *#stream(operation, headers, signal) {
    const response = await this.#post(operation, EVENTS, headers, signal);
    if (!response.headers.get("content-type")?.startsWith(EVENTS)) {
      yield await read(response);
      return false;
    }
    const own = new Headers(headers).has("authorization");
    for await (const answer of answers(response.body)) {
      if (this.#source && !own && lapses(answer)) return true;
      yield answer;
    }
    return false;
  }

  #post(operation, accept, headers, signal) {
    const sent = new Headers({ "Content-Type": "application/json", Accept: accept });
    new Headers(headers).forEach((value, name) => sent.set(name, value));
    return this.#send(GRAPHQL, { method: "POST", headers: sent, body: JSON.stringify(operation), signal });
  }

  /** Sends a request with the token, and once more with the next one if the gateway does not take it. */
  async #send(path, { headers, signal, ...options }) {
    const either = AbortSignal.any([this.#closed.signal, signal].filter(Boolean));
    const own = new Headers(headers).has("authorization");
    const attempt = async () => {
      const sent = new Headers(headers);
      if (!own) sent.set("Authorization", await this.#authorization());
      return send(path, { ...options, headers: sent, signal: either });
    };
    const response = await attempt();
    if (own || response.status !== 401) return response;
    await this.#doubt();
    return attempt();
  }

  /** Forgets the token and what it was got with; what is still under way ends. */
  close() {
    this.#closed.abort();
    clearTimeout(this.#timer);
    this.#source?.forget();
    this.#token = this.#source = undefined;
  }

  /** The same, and the gateway is told, so that what was got is good for nobody any more. */
  leave() {
    const source = this.#source;
    this.#source = undefined;
    this.close();
    return source?.leave();
  }

  async #introduced() {
    try {
      const { data, errors } = await this.ask({ query: CALLER });
      if (!data?.caller) throw new Refused(errors?.[0]?.message ?? "The gateway does not say who is asking.");
      const { sub, client_id } = claimsOf(this.#token.value);
      this.caller = { ...data.caller, person: sub === client_id ? null : sub };
      return this;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async #authorization() {
    if (!this.#token) throw new Refused("Sign in first.");
    if (this.#source && this.#token.end - Date.now() < NEARLY) await this.#renew();
    return `Bearer ${this.#token.value}`;
  }

  /** The gateway did not take the token: get another one, or give up. */
  async #doubt() {
    if (this.#source) return this.#renew();
    const refused = new Refused("The gateway does not accept this token: it has ended, or is not one of its own.");
    this.#over(refused);
    throw refused;
  }

  /** Fetches the next token; all who ask for it at once get the same one. */
  #renew() {
    this.#renewal ??= this.#source
      .renew()
      .then((token) => this.#source && this.#renewed(token))
      .catch((error) => this.#failed(error))
      .finally(() => (this.#renewal = undefined));
    return this.#renewal;
  }

  #renewed(token) {
    this.#keep(token);
    this.dispatchEvent(new Event("renewed"));
  }

  #failed(error) {
    if (error instanceof Refused) this.#over(error);
    else if (this.#source) {
      this.#wait(RETRY);
      this.dispatchEvent(new CustomEvent("delayed", { detail: error.message }));
    }
    throw error;
  }

  #keep(token) {
    this.#token = token;
    const left = token.end - Date.now();
    if (left !== Infinity) this.#wait(this.#source ? left * 0.8 : left);
  }

  #wait(milliseconds) {
    clearTimeout(this.#timer);
    const due = () => (this.#source ? this.#renew().catch(() => {}) : this.#over(new Refused("The token has ended.")));
    this.#timer = setTimeout(due, Math.min(milliseconds, 2 ** 31 - 1));
  }

  #over(refused) {
    this.close();
    this.dispatchEvent(new CustomEvent("ended", { detail: refused.message }));
  }
}
