/** Person: signing in by the code flow (RFC 6749, 4.1) with PKCE, as the public application `graphiql`. */

import { Refused, fetchToken, read, revoke, send } from "./tokens.js";

const APPLICATION = "graphiql";
const SERVER = "/.well-known/oauth-authorization-server/oauth";
const BACK = new URL("/graphql", location.href).href;
const BEGUN = "gateway:sign-in"; // what an answer must fit, while the browser is away to fetch it
const KEPT = "gateway:refresh"; // the refresh token, while the page is being reloaded

const REASONS = {
  access_denied: "You did not allow it.",
  invalid_client: "People cannot sign in to GraphiQL here: its operator has disabled it.",
  invalid_grant: "Your sign-in has ended.",
  invalid_scope: "You may not have these scopes, or they are misspelt.",
};

const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

const digest = async (text) =>
  base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));

/** Takes what was stored under a name, so that it is there no more. */
function take(name) {
  const value = sessionStorage.getItem(name);
  sessionStorage.removeItem(name);
  return value;
}

/** Sends the browser to where a person signs in; it comes back with an answer for `Person.returned`. */
export async function leave({ scope, purpose }) {
  const server = await read(await send(SERVER, {}));
  const home = new URL(server.issuer).origin;
  if (home !== location.origin) throw new Refused(`People sign in at ${home}: open GraphiQL there.`);
  const begun = { state: random(), verifier: random(), issuer: server.issuer };
  sessionStorage.setItem(BEGUN, JSON.stringify(begun));
  const request = {
    response_type: "code",
    client_id: APPLICATION,
    redirect_uri: BACK,
    state: begun.state,
    code_challenge: await digest(begun.verifier),
    code_challenge_method: "S256",
    prompt: "login", // whoever signed in here before may have signed out and gone away
    scope,
    purpose,
  };
  const given = Object.entries(request).filter(([, value]) => value);
  location.assign(`${server.authorization_endpoint}?${new URLSearchParams(given)}`);
}

/** Somebody who signed in. Tokens are held in memory, and the refresh token over a reload in this tab's storage. */
export class Person {
  #token;
  #next;

  constructor(token) {
    this.#keep(token);
    this.#next = token;
    // A copy of this tab must not have it: a refresh token that is used twice ends what it came from.
    addEventListener("pagehide", () => this.#token && sessionStorage.setItem(KEPT, this.#token));
    addEventListener("pageshow", () => sessionStorage.removeItem(KEPT));
  }

  /** Whoever comes back with an answer, or was here before a reload; null where there is neither. */
  static async returned() {
    const answer = new URLSearchParams(location.search);
    if (answer.has("code") || answer.has("error")) return new Person(await exchange(answer));
    const refresh = take(KEPT);
    return refresh ? new Person(await renewal(refresh)) : null;
  }

  /** The next token; at first the one that came with the sign-in. */
  async renew() {
    const token = this.#next ?? (await renewal(this.#token));
    this.#next = undefined;
    this.#keep(token);
    return token;
  }

  /** Gives back all that came of the sign-in. */
  async leave() {
    const token = this.#token;
    this.forget();
    if (token) await revoke(APPLICATION, token);
  }

  forget() {
    this.#token = this.#next = undefined;
    sessionStorage.removeItem(KEPT);
  }

  #keep(token) {
    this.#token = token.refresh ?? this.#token;
  }
}

const renewal = (refresh) =>
  fetchToken({ grant_type: "refresh_token", client_id: APPLICATION, refresh_token: refresh }, REASONS);

/** Tokens for the answer in the page's address, if it is to what this very tab asked (RFC 9207 and `state`). */
async function exchange(answer) {
  history.replaceState(null, "", location.pathname);
  const begun = JSON.parse(take(BEGUN) ?? "{}");
  if (!begun.state || answer.get("state") !== begun.state || answer.get("iss") !== begun.issuer) {
    throw new Refused("Somebody sent this page an answer that it did not ask for.");
  }
  if (answer.has("error")) {
    throw new Refused(REASONS[answer.get("error")] ?? answer.get("error_description") ?? "The gateway refused.");
  }
  const code = { code: answer.get("code"), redirect_uri: BACK, code_verifier: begun.verifier };
  return fetchToken({ grant_type: "authorization_code", client_id: APPLICATION, ...code }, REASONS);
}
