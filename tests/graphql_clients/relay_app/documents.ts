// What Relay's compiler reads: a page of clients that goes on, a client that can be fetched again, and what an order is.
import { graphql } from 'relay-runtime'

export const documents = () => [
  graphql`
    query documentsClientsQuery($first: Int!, $after: String) {
      ...documentsClients_query @arguments(first: $first, after: $after)
      clients(first: $first, after: $after) {
        totalCount
        nodes { id region }
        pageInfo { endCursor }
      }
    }
  `,
  graphql`
    fragment documentsClients_query on Query
    @argumentDefinitions(first: { type: "Int", defaultValue: 2 }, after: { type: "String" })
    @refetchable(queryName: "documentsClientsPaginationQuery") {
      clients(first: $first, after: $after) @connection(key: "documents_clients") {
        edges {
          node { id region ...documentsClient_client }
        }
      }
    }
  `,
  graphql`
    fragment documentsClient_client on Client @refetchable(queryName: "documentsClientRefetchQuery") {
      orders(first: 2) {
        nodes { ...documentsOrder_order }
      }
    }
  `,
  graphql`
    fragment documentsOrder_order on Order {
      __typename
      status
      total { minor currency }
      ... on PandaoOrder { transactionId }
    }
  `
]
