// An application on Relay's runtime, with what its compiler wrote.
import { text } from 'node:stream/consumers'
import relay from 'relay-runtime'
import query, { type documentsClientsQuery } from './artifacts/documentsClientsQuery.graphql.js'
import page, { type documentsClientsPaginationQuery } from './artifacts/documentsClientsPaginationQuery.graphql.js'

const { url, token } = JSON.parse(await text(process.stdin))
const environment = new relay.Environment({
  store: new relay.Store(new relay.RecordSource()),
  network: relay.Network.create(async ({ text: query, id }, variables) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      // The compiler gives either a text or, with `persistConfig`, an id.
      body: JSON.stringify({ query, doc_id: id, variables })
    })
    return (await response.json()) as relay.GraphQLResponse
  })
})

const found = await relay.fetchQuery<documentsClientsQuery>(environment, query, { first: 2 }).toPromise()
const count: number | undefined = found?.clients.totalCount
const after: string | null = found?.clients.pageInfo.endCursor ?? null
await relay.fetchQuery<documentsClientsPaginationQuery>(environment, page, { first: 2, after }).toPromise()

// The connection as the store has put it together from both pages.
const store = environment.getStore().getSource()
const edges = store
  .getRecordIDs()
  .filter((id) => /__documents_clients_connection:edges:[0-9]+$/.test(id))
  .map((id) => (store.get(id) as { node: { __ref: string } }).node.__ref)
process.stdout.write(JSON.stringify({ count, pages: edges, kept: store.getRecordIDs() }))

// What the schema does not have, the types do not have.
export const wrong = () => [
  // @ts-expect-error a number is needed
  relay.fetchQuery<documentsClientsQuery>(environment, query, { first: '2' }),
  // @ts-expect-error the document did not ask for it
  found?.clients.edges
]
