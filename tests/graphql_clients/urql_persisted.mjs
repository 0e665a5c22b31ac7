// urql with its exchange for persisted queries.
import { createHash } from 'node:crypto'
import { Client, fetchExchange } from '@urql/core'
import { persistedExchange } from '@urql/exchange-persisted'
import { codes, play } from './played.mjs'

const generateHash = async (text) => createHash('sha256').update(text).digest('hex')

const client = ({ url, token }, options) =>
  new Client({
    url,
    preferGetMethod: false,
    exchanges: [persistedExchange({ generateHash, ...options }), fetchExchange],
    fetchOptions: { headers: { authorization: `Bearer ${token}` } }
  })

async function ask(asked, document, variables) {
  const { data, error } = await asked.query(document, variables ?? {}).toPromise()
  if (error?.graphQLErrors.length) return { data: data ?? null, codes: codes(error.graphQLErrors) }
  return error ? { threw: error.message } : { data }
}

async function twice(given, options) {
  const asked = client(given, options)
  const first = await ask(asked, given.documents.typed, given.variables)
  return [first, await ask(asked, given.documents.typed, given.variables)]
}

const hash = { generateHash: async (_, document) => `${document.definitions[0].name.value}-1` }

await play({
  automatic: (given) => twice(given, { preferGetForPersistedQueries: false }),
  automatic_by_get: (given) =>
    twice({ ...given, documents: { typed: given.documents.typed.replace('Typed', 'ByGet') } }, {}),
  invalid: (given) => ask(client(given, {}), given.documents.invalid),
  trusted: (given) =>
    ask(client({ ...given, token: given.trusted }, { ...hash, enforcePersistedQueries: true }), given.documents.typed, given.variables),
  unregistered: (given) =>
    ask(client({ ...given, token: given.stranger }, hash), given.documents.typed, given.variables)
})
