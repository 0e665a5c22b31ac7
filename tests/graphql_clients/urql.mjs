// urql, with its cache.
import { Client, cacheExchange, fetchExchange } from '@urql/core'
import { codes, play } from './played.mjs'

async function query({ url, token }, document, variables, preferGetMethod = false) {
  const client = new Client({
    url,
    preferGetMethod,
    exchanges: [cacheExchange, fetchExchange],
    fetchOptions: { headers: { authorization: `Bearer ${token}` } }
  })
  const { data, error } = await client.query(document, variables ?? {}).toPromise()
  if (error?.graphQLErrors.length) return { data: data ?? null, codes: codes(error.graphQLErrors) }
  return error ? { threw: error.message } : { data }
}

await play({
  post: (given) => query(given, given.documents.typed, given.variables),
  get: (given) => query(given, given.documents.typed, given.variables, 'force'),
  refused: (given) => query(given, given.documents.refused),
  invalid: (given) => query(given, given.documents.invalid),
  stranger: (given) => query({ ...given, token: 'x' }, given.documents.typed, given.variables),
  introspection: (given) => query(given, given.documents.introspection)
})
