/** Storage: what GraphiQL remembers between visits, which is never a header. */

// GraphiQL's history stores the headers of each operation even when it is told not to persist them.
const OPERATIONS = new Set(["graphiql:queries", "graphiql:favorites", "graphiql:tabState"]);

const withoutHeaders = (name, value) => (name === "headers" && value !== null ? undefined : value);

const keys = () => Object.keys(localStorage).filter((key) => key.startsWith("graphiql:"));

export const storage = {
  getItem: (key) => localStorage.getItem(key),
  setItem(key, value) {
    const kept = OPERATIONS.has(key) ? JSON.stringify(JSON.parse(value, withoutHeaders)) : value;
    localStorage.setItem(key, kept);
  },
  removeItem: (key) => localStorage.removeItem(key),
  clear: () => keys().forEach((key) => localStorage.removeItem(key)),
  get length() {
    return keys().length;
  },
};
