// An application as graphql-codegen's client preset wants it: each document is typed by the schema.
import { GraphQLClient } from 'graphql-request'
import { text } from 'node:stream/consumers'
import { graphql } from './gql/gql.js'

const NEWEST = graphql(`
  query Newest($first: Int!, $filter: ClientFilter) {
    clients(first: $first, filter: $filter) {
      totalCount
      nodes {
        id
        region
        orders(first: 1) {
          nodes {
            __typename
            party
            placedAt
            total { minor amount }
            ... on AlibabaOrder { logisticsStatus }
          }
        }
      }
    }
  }
`)

const { url, token } = JSON.parse(await text(process.stdin))
const client = new GraphQLClient(url, { headers: { authorization: `Bearer ${token}` } })
const { clients } = await client.request(NEWEST, { first: 2, filter: { party: 'ALIBABA' } })

const count: number = clients.totalCount
const seen = clients.nodes.map((each) => {
  const id: string = each.id
  const region: string | null | undefined = each.region
  const spent: number = each.orders.nodes.reduce((sum, order) => sum + order.total.minor, 0)
  const parcels = each.orders.nodes.map((order) =>
    order.__typename === 'AlibabaOrder' ? (order.logisticsStatus ?? null) : order.party
  )
  return { id, region, spent, parcels }
})
process.stdout.write(JSON.stringify({ count, seen }))

// What the schema does not have, the types do not have.
export const wrong = () => [
  // @ts-expect-error there is no such party
  client.request(NEWEST, { first: 2, filter: { party: 'MEGAFON' } }),
  // @ts-expect-error a number is needed
  client.request(NEWEST, { first: '2' }),
  // @ts-expect-error the document did not ask for it
  clients.pageInfo,
  // @ts-expect-error a region may be missing
  clients.nodes[0]!.region.length
]
