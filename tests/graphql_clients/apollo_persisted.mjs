// Apollo Client with its link for persisted queries: by hashes alone, and by a manifest of trusted documents.
import { createHash } from 'node:crypto'
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client'
import { CombinedGraphQLErrors } from '@apollo/client/errors'
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries'
import { generatePersistedQueryIdsFromManifest } from '@apollo/persisted-query-lists'
import { codes, play } from './played.mjs'

const sha256 = (text) => createHash('sha256').update(text).digest('hex')

const client = ({ url, token }, persisted) =>
  new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.from([
      new PersistedQueryLink(persisted),
      new HttpLink({ uri: url, headers: { authorization: `Bearer ${token}` } })
    ]),
    defaultOptions: { query: { errorPolicy: 'all', fetchPolicy: 'no-cache' } }
  })

async function ask(asked, document, variables) {
  const { data, error } = await asked.query({ query: gql(document), variables })
  if (CombinedGraphQLErrors.is(error)) return { data: data ?? null, codes: codes(error.errors) }
  return error ? { threw: error.message } : { data }
}

async function twice(given, options) {
  const asked = client(given, { sha256, ...options })
  const first = await ask(asked, given.documents.typed, given.variables)
  return [first, await ask(asked, given.documents.typed, given.variables)]
}

const trusted = (given, token) =>
  client(
    { ...given, token },
    generatePersistedQueryIdsFromManifest({ loadManifest: async () => given.manifest })
  )

await play({
  automatic: (given) => twice(given),
  // Another operation, so that its hash is not known yet.
  automatic_by_get: (given) =>
    twice({ ...given, documents: { typed: given.documents.typed.replace('Typed', 'ByGet') } }, { useGETForHashedQueries: true }),
  invalid: (given) => ask(client(given, { sha256 }), given.documents.invalid),
  trusted: (given) => ask(trusted(given, given.trusted), given.documents.typed, given.variables),
  // Of a manifest that was not registered for this application, the texts are sent and refused.
  unregistered: (given) => ask(trusted(given, given.stranger), given.documents.typed, given.variables)
})
