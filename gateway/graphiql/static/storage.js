/** Storage: what GraphiQL remembers of a person between visits, which is never a header. */

// GraphiQL's history stores the headers of each operation even when it is told not to persist them.
const OPERATIONS = new Set(["graphiql:queries", "graphiql:favorites", "graphiql:tabState"]);

/** Whether it is light or dark is for the browser, whoever is there. */
const THEME = "graphiql:theme";

const withoutHeaders = (name, value) => (name === "headers" && value !== null ? undefined : value);

/** A storage in which nobody else's operations are found; GraphiQL's own names get the person's before them. */
export function storage(person) {
  const own = (key) => (key === THEME ? key : `gateway:${person}:${key}`);
  const keys = () => Object.keys(localStorage).filter((key) => key.startsWith(own("")));
  return {
    getItem: (key) => localStorage.getItem(own(key)),
    setItem(key, value) {
      const kept = OPERATIONS.has(key) ? JSON.stringify(JSON.parse(value, withoutHeaders)) : value;
      localStorage.setItem(own(key), kept);
    },
    removeItem: (key) => localStorage.removeItem(own(key)),
    clear: () => keys().forEach((key) => localStorage.removeItem(key)),
    get length() {
      return keys().length;
    },
  };
}
