#!/usr/bin/env bash
# Makes static/vendor/ and static/LICENSES.txt anew from pinned npm packages. Needs npm and node.
set -euo pipefail

# The last GraphiQL that ships as one plain script; from 5 on it must be bundled, with an editor of several megabytes.
GRAPHIQL=4.1.2
REACT=18.3.1
FIRA_CODE=5.2.7
GRAPHQL_WS=5.5.5
# What GraphiQL was built with is resolved as of its release, so that the licences are those of what it contains.
RELEASED=2026-03-11

here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

npm install --prefix "$work" --ignore-scripts --no-audit --no-fund --omit=dev --before="$RELEASED" \
    "graphiql@$GRAPHIQL" "react@$REACT" "react-dom@$REACT" "@fontsource/fira-code@$FIRA_CODE" "graphql-ws@$GRAPHQL_WS"

modules="$work/node_modules"
mkdir -p "$here/static/vendor"
cp "$modules/react/umd/react.production.min.js" "$modules/react-dom/umd/react-dom.production.min.js" \
    "$modules/graphiql/graphiql.min.css" "$here/static/vendor/"
# Without the pointer to a source map, which is not shipped.
sed '/^\/\/# sourceMappingURL=/d' "$modules/graphiql/graphiql.min.js" > "$here/static/vendor/graphiql.min.js"
node "$here/licenses.mjs" "$modules" > "$here/static/LICENSES.txt"
chmod 644 "$here"/static/vendor/* "$here/static/LICENSES.txt"
