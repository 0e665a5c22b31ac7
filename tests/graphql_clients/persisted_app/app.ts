// An application of graphql-codegen's client preset that has no documents in it, only what they are called.
import { text } from 'node:stream/consumers'
import { graphql } from './gql/gql.js'

const REGIONS = graphql(`
  query Regions($first: Int!) {
    clients(first: $first) {
      totalCount
      nodes { id region }
    }
  }
`)

type Found = { data: { clients: { totalCount: number; nodes: { id: string; region: string | null }[] } } }

const { url, token } = JSON.parse(await text(process.stdin))
const documentId = (REGIONS as unknown as { __meta__: { hash: string } }).__meta__.hash
const response = await fetch(url, {
  method: 'POST',
  headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
  body: JSON.stringify({ documentId, variables: { first: 2 } })
})
const { data } = (await response.json()) as Found
process.stdout.write(JSON.stringify({ documentId, clients: data.clients }))
