/** Session: a token at work in this page. Everything is held in memory alone; a reload forgets it. */

const GRAPHQL = "/graphql";
const TOKEN = "/oauth/token";
const ACCEPT = "application/graphql-response+json, application/json";
const CALLER = "{ caller { party application purpose scopes } }";
const RETRY = 10_000; // ms until a failed renewal is tried again
const NEARLY = 5_000; // ms before its end from which a token is not sent any more

const B64TOKEN = /^[\w.~+/-]+=*$/; // RFC 6750, 2.1

const REASONS = {
  invalid_client: "No application has this id and secret.",
  invalid_scope: "This application may not have these scopes, or they are misspelt.",
  unauthorized_client: "This application may not get a token in this way.",
};

/** The gateway said no, so that asking again the same way is of no use. The message is for the reader. */
export class Refused extends Error {}

/** Sends a request as nobody but who its headers say. Throws an Error in words when no answer comes. */
async function send(url, options) {
  try {
    // Without `omit` a 401 would open the browser's own password window, and cookies would go along.
    return await fetch(url, { ...options, credentials: "omit", cache: "no-store", redirect: "error" });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Error("The gateway does not answer. Is it running, and is the network up?");
  }
}

async function read(response) {
  const body = await response.json().catch(() => null);
  if (body && typeof body === "object") return body;
  throw new Error(`The gateway answered ${response.status} ${response.statusText}, and not with JSON.`);
}

/** `id:secret` as RFC 6749, 2.3.1 has it: each form-encoded first, so that any character may occur. */
function basic({ application, secret }) {
  return `Basic ${btoa(`${encodeURIComponent(application)}:${encodeURIComponent(secret)}`)}`;
}

/** Fetches a token by the client credentials grant (RFC 6749, 4.4). Throws `Refused` if none is given. */
async function fetchToken(credentials) {
  const form = new URLSearchParams({ grant_type: "client_credentials" });
  for (const name of ["scope", "purpose"]) if (credentials[name]) form.set(name, credentials[name]);
  const headers = { Authorization: basic(credentials), Accept: "application/json" };
  const response = await send(TOKEN, { method: "POST", headers, body: form });
  const body = await read(response);
  if (response.ok && body.access_token) {
    return { value: body.access_token, end: Date.now() + 1000 * (body.expires_in ?? 300) };
  }
  const reason = REASONS[body.error] ?? body.error_description ?? `The gateway gave no token (${response.status}).`;
  throw response.status < 500 && response.status !== 429 ? new Refused(reason) : new Error(reason);
}

/** When a pasted token ends, in ms since the epoch, as far as it says; the gateway alone decides. */
function endOf(token) {
  try {
    const claims = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    return Number.isFinite(claims.exp) ? claims.exp * 1000 : Infinity;
  } catch {
    return Infinity;
  }
}

/** Events: `ended` (with `detail`, why), `delayed` (a renewal failed and is tried again), `renewed`. */
export class Session extends EventTarget {
  #credentials;
  #token;
  #renewal;
  #timer;

  /** Signs in with an application's credentials; the token is renewed until `close`. */
  static async open(credentials) {
    const session = new Session();
    session.#credentials = credentials;
    session.#keep(await fetchToken(credentials));
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
    return this.#credentials ? null : this.#token.end;
  }

  /** Runs an operation; what its own `headers` say goes before what the session would send. */
  async ask(operation, headers = {}, signal = undefined) {
    const own = new Headers(headers);
    const post = async () => {
      const sent = new Headers({ "Content-Type": "application/json", Accept: ACCEPT });
      if (!own.has("authorization")) sent.set("Authorization", await this.#authorization());
      own.forEach((value, name) => sent.set(name, value));
      return send(GRAPHQL, { method: "POST", headers: sent, body: JSON.stringify(operation), signal });
    };
    let response = await post();
    if (response.status === 401 && !own.has("authorization")) {
      await this.#doubt();
      response = await post();
    }
    return read(response);
  }

  /** Forgets the token and what it was got with. */
  close() {
    clearTimeout(this.#timer);
    this.#token = this.#credentials = undefined;
  }

  async #introduced() {
    try {
      const { data, errors } = await this.ask({ query: CALLER });
      if (!data?.caller) throw new Refused(errors?.[0]?.message ?? "The gateway does not say who is asking.");
      this.caller = data.caller;
      return this;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async #authorization() {
    if (!this.#token) throw new Refused("Sign in first.");
    if (this.#credentials && this.#token.end - Date.now() < NEARLY) await this.#renew();
    return `Bearer ${this.#token.value}`;
  }

  /** The gateway did not take the token: get another one, or give up. */
  async #doubt() {
    if (this.#credentials) return this.#renew();
    const refused = new Refused("The gateway does not accept this token: it has ended, or is not one of its own.");
    this.#over(refused);
    throw refused;
  }

  /** Fetches the next token; all who ask for it at once get the same one. */
  #renew() {
    this.#renewal ??= fetchToken(this.#credentials)
      .then((token) => this.#credentials && this.#renewed(token))
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
    else if (this.#credentials) {
      this.#wait(RETRY);
      this.dispatchEvent(new CustomEvent("delayed", { detail: error.message }));
    }
    throw error;
  }

  #keep(token) {
    this.#token = token;
    const left = token.end - Date.now();
    if (left !== Infinity) this.#wait(this.#credentials ? left * 0.8 : left);
  }

  #wait(milliseconds) {
    clearTimeout(this.#timer);
    const due = () => (this.#credentials ? this.#renew().catch(() => {}) : this.#over(new Refused("The token has ended.")));
    this.#timer = setTimeout(due, Math.min(milliseconds, 2 ** 31 - 1));
  }

  #over(refused) {
    this.close();
    this.dispatchEvent(new CustomEvent("ended", { detail: refused.message }));
  }
}
