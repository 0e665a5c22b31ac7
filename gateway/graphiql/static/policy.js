/**
 * Policy: what the page's Content-Security-Policy asks of the editor, which was written without one in mind.
 *
 * It lets no style in that is not the gateway's own. The editor adds style elements, which get the page's nonce here,
 * and writes HTML with style attributes, which are set one by one here, as the policy lets scripts do.
 */

const nonce = document.querySelector("link[nonce]").nonce;
const WORKERS = new Set(["graphql", "json"]);
const MARK = "data-editor-style";

// The editor escapes < and > in what it shows, so that such a match is a tag that it made.
const STYLED = /(<[a-z][^<>]*?) style="/g;

globalThis.MonacoEnvironment = {
  getWorker: (_, label) => new Worker(`/graphiql/vendor/${WORKERS.has(label) ? label : "editor"}.worker.js`),
  createTrustedTypesPolicy: (name, { createHTML }) => ({
    name,
    createHTML: (...given) => createHTML(...given).replace(STYLED, `$1 ${MARK}="`),
  }),
};

function style(root) {
  for (const element of root.querySelectorAll(`[${MARK}]`)) {
    element.style.cssText = element.getAttribute(MARK);
    element.removeAttribute(MARK);
  }
}

const { createElement } = Document.prototype;
document.createElement = function (...given) {
  const element = createElement.apply(this, given);
  if (element instanceof HTMLStyleElement) element.nonce = nonce;
  return element;
};

const inner = Object.getOwnPropertyDescriptor(Element.prototype, "innerHTML");
Object.defineProperty(Element.prototype, "innerHTML", {
  ...inner,
  set(html) {
    inner.set.call(this, html);
    if (String(html).includes(MARK)) style(this);
  },
});

const { insertAdjacentHTML } = Element.prototype;
Element.prototype.insertAdjacentHTML = function (position, html) {
  insertAdjacentHTML.call(this, position, html);
  if (html.includes(MARK)) style(this.parentNode ?? this);
};
