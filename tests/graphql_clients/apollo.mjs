// Apollo Client, with its cache.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client'
import { CombinedGraphQLErrors } from '@apollo/client/errors'
import { codes, play } from './played.mjs'

const client = ({ url, token }, options = {}) =>
  new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.from([new HttpLink({ uri: url, headers: { authorization: `Bearer ${token}` }, ...options })]),
    defaultOptions: { query: { errorPolicy: 'all' } }
  })

async function query(given, document, variables, options) {
  const { data, error } = await client(given, options).query({ query: gql(document), variables })
  if (CombinedGraphQLErrors.is(error)) return { data: data ?? null, codes: codes(error.errors) }
  return error ? { threw: error.message } : { data }
}

await play({
  post: (given) => query(given, given.documents.typed, given.variables),
  get: (given) => query(given, given.documents.typed, given.variables, { useGETForQueries: true }),
  refused: (given) => query(given, given.documents.refused),
  invalid: (given) => query(given, given.documents.invalid),
  stranger: (given) => query({ ...given, token: 'x' }, given.documents.typed, given.variables),
  introspection: (given) => query(given, given.documents.introspection)
})
