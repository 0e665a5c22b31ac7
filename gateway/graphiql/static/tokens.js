/** Tokens: asking the token service for them, and giving them back. */

const TOKEN = "/oauth/token";
const REVOKE = "/oauth/revoke";

/** The gateway said no, so that asking again the same way is of no use. The message is for the reader. */
export class Refused extends Error {}

/** Sends a request as nobody but who its headers say. Throws an Error in words when no answer comes. */
export async function send(url, options) {
  try {
    // Without `omit` a 401 would open the browser's own password window, and cookies would go along.
    return await fetch(url, { ...options, credentials: "omit", cache: "no-store", redirect: "error" });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Error("The gateway does not answer. Is it running, and is the network up?");
  }
}

export async function read(response) {
  const body = await response.json().catch(() => null);
  if (body && typeof body === "object") return body;
  throw new Error(`The gateway answered ${response.status} ${response.statusText}, and not with JSON.`);
}

/**
 * Fetches a token; parameters without a value are left out, and `reasons` says an error's code in words.
 * Throws `Refused` if none is given.
 */
export async function fetchToken(parameters, reasons, headers = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value);
  const response = await send(TOKEN, {
    method: "POST",
    headers: { ...headers, Accept: "application/json" },
    body: new URLSearchParams(given),
  });
  const body = await read(response);
  if (response.ok && body.access_token) {
    const end = Date.now() + 1000 * (body.expires_in ?? 300);
    return { value: body.access_token, end, refresh: body.refresh_token };
  }
  const reason = reasons[body.error] ?? body.error_description ?? `The gateway gave no token (${response.status}).`;
  throw response.status < 500 && response.status !== 429 ? new Refused(reason) : new Error(reason);
}

/** Gives a public application's token back (RFC 7009), and with it all that came of the same sign-in. */
export async function revoke(application, token) {
  const body = new URLSearchParams({ client_id: application, token });
  await send(REVOKE, { method: "POST", body, keepalive: true });
}

/** What a token says of itself, as far as it can be read; the gateway alone decides. */
export function claimsOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))) ?? {};
  } catch {
    return {};
  }
}
