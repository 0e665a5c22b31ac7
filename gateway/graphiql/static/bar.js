/** Bar: the strip above GraphiQL where one signs in, and sees as whom one is signed in. */

import { Person, leave } from "./person.js";
import { Session } from "./session.js";

const HINT =
  "Sign in to explore. The gateway shows its schema only to a caller it knows, and of it only what that caller may ask for. " +
  "Secrets and tokens stay in this page's memory.";

const words = (text) => text.split(/[\s,]+/).filter(Boolean).join(" ");

/** How the forms sign in; each takes what was entered, and gives no session where the browser goes away for it. */
const WAYS = {
  person: ({ scope, purpose }) => leave({ scope: words(scope), purpose: purpose.trim() }),
  application: ({ application, secret, scope, purpose }) =>
    Session.open({
      application: application.trim(),
      secret,
      scope: words(scope),
      purpose: purpose.trim(),
    }),
  token: ({ token }) => Session.paste(token.trim().replace(/^bearer\s+/i, "")),
};

export class Bar {
  #bar;
  #changed;
  #session = null;
  #way = "person";

  /** `changed` is told the session whenever one begins, and null when it ends. */
  constructor(bar, changed) {
    this.#bar = bar;
    this.#changed = changed;
    for (const way of Object.keys(WAYS)) {
      this.#form(way).addEventListener("submit", (event) => {
        event.preventDefault();
        this.#signIn(way);
      });
    }
    for (const button of bar.querySelectorAll("[data-show]")) {
      button.addEventListener("click", () => this.#show((this.#way = button.dataset.show)));
    }
    bar.querySelector("[data-sign-out]").addEventListener("click", () => this.#signOut());
    this.#leave();
    this.#return();
  }

  /** Puts the cursor where one signs in. */
  focus() {
    this.#bar.querySelector(`form.${this.#way} [data-first]`).focus();
  }

  #form(way) {
    return this.#bar.querySelector(`form.${way}`);
  }

  #show(state) {
    this.#bar.dataset.state = state;
    if (state !== "caller") this.focus();
  }

  #say(text, tone = "hint") {
    const notice = this.#bar.querySelector(".notice");
    notice.textContent = text;
    notice.dataset.tone = tone;
  }

  async #signIn(way) {
    const form = this.#form(way);
    const entered = Object.fromEntries(new FormData(form));
    await this.#try(form, () => WAYS[way](entered));
    if (this.#session) form.reset();
    else form.querySelector("[type=password]")?.select();
  }

  /** Whoever comes back from signing in, or was signed in before a reload. */
  #return() {
    return this.#try(this.#form("person"), async () => {
      const person = await Person.returned();
      return person && Session.of(person);
    });
  }

  async #try(form, way) {
    const controls = [...form.elements];
    const said = this.#bar.querySelector(".notice").textContent;
    this.#say("Signing in…");
    controls.forEach((control) => (control.disabled = true));
    try {
      const session = await way();
      if (session) this.#enter(session);
      else this.#say(said);
    } catch (error) {
      this.#say(error.message, "error");
    } finally {
      controls.forEach((control) => (control.disabled = false));
    }
  }

  #signOut() {
    // Nothing is lost when it cannot be told: the tokens end by themselves.
    this.#session?.leave()?.catch(() => {});
    this.#leave();
  }

  #enter(session) {
    this.#session = session;
    session.addEventListener("ended", ({ detail }) => this.#leave(detail));
    session.addEventListener("renewed", () => this.#say(""));
    session.addEventListener("delayed", ({ detail }) => this.#say(`The token could not be renewed yet. ${detail}`, "error"));
    this.#describe(session);
    this.#say("");
    this.#show("caller");
    this.#changed(session);
  }

  #describe({ caller, end }) {
    const put = (name, ...content) => this.#bar.querySelector(`[data-caller=${name}]`).replaceChildren(...content);
    put("person", caller.person ?? "");
    put("party", caller.party);
    put("application", caller.application);
    put("purpose", caller.purpose);
    put("scopes", ...caller.scopes.map(chip));
    this.#bar.querySelector(".token-end").textContent = lasting(end);
  }

  #leave(reason = null) {
    this.#session?.close();
    this.#session = null;
    this.#say(reason ? `${reason} Sign in again.` : HINT, reason ? "error" : "hint");
    this.#show(this.#way);
    this.#changed(null);
  }
}

function chip(scope) {
  const element = document.createElement("code");
  element.textContent = scope;
  return element;
}

function lasting(end) {
  if (end === null) return "Token renews itself";
  if (end === Infinity) return "Token is not renewed";
  return `Token ends at ${new Date(end).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`;
}
