// graphql-request.
import { ClientError, GraphQLClient } from 'graphql-request'
import { codes, play } from './played.mjs'

async function query({ url, token }, document, variables, options = {}) {
  const client = new GraphQLClient(url, {
    headers: { authorization: `Bearer ${token}` },
    errorPolicy: 'all',
    ...options
  })
  try {
    const { data, errors } = await client.rawRequest(document, variables)
    return errors ? { data: data ?? null, codes: codes(errors) } : { data }
  } catch (error) {
    if (!(error instanceof ClientError)) throw error
    return { data: null, codes: codes(error.response.errors) }
  }
}

await play({
  post: (given) => query(given, given.documents.typed, given.variables),
  get: (given) => query(given, given.documents.typed, given.variables, { method: 'GET' }),
  refused: (given) => query(given, given.documents.refused),
  invalid: (given) => query(given, given.documents.invalid),
  stranger: (given) => query({ ...given, token: 'x' }, given.documents.typed, given.variables),
  introspection: (given) => query(given, given.documents.introspection)
})
