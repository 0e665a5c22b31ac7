// Subscriptions by graphql-ws and graphql-sse, alone and below Apollo Client and urql.
import { ApolloClient, InMemoryCache, gql } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { Client, fetchExchange, subscriptionExchange } from '@urql/core'
import { createClient as eventsClient } from 'graphql-sse'
import { createClient as socketClient } from 'graphql-ws'
import WebSocket from 'ws'
import { codes, play } from './played.mjs'

const bearer = (token) => ({ authorization: `Bearer ${token}` })

const socket = ({ url, token }, options = {}) =>
  socketClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: bearer(token),
    ...options
  })

const events = ({ url, token }, options = {}) =>
  eventsClient({ url, headers: bearer(token), retryAttempts: 0, ...options })

// The first results of an operation; leaving the loop ends it.
async function first(count, client, query, variables) {
  const found = []
  for await (const { data, errors } of client.iterate({ query, variables })) {
    found.push(errors ? { data, codes: codes(errors) } : { data })
    if (found.length === count) break
  }
  return found
}

// What an operation ends with that is not let in.
async function refusal(client, query) {
  try {
    return await first(1, client, query)
  } catch (error) {
    if (Array.isArray(error)) return { codes: codes(error) }
    return error.code ? { closed: error.code, reason: error.reason } : { threw: error.message }
  }
}

async function closing(client, work) {
  try {
    return await work(client)
  } finally {
    await client.dispose()
  }
}

// A client of which the first token ends soon: it comes again with another, and the operation goes on.
async function renewed(given) {
  const tokens = [given.brief, given.token]
  const closed = []
  const client = socket(given, {
    connectionParams: () => bearer(tokens.length > 1 ? tokens.shift() : tokens[0]),
    shouldRetry: () => true,
    on: { closed: (event) => closed.push(event.code) }
  })
  let found = 0
  for await (const { data } of client.iterate({ query: given.subscription })) {
    if (data && closed.length && ++found === 2) break
  }
  const codesSoFar = [...closed]
  await client.dispose()
  return { closed: codesSoFar, found }
}

function apollo(given) {
  const transport = socket(given)
  const client = new ApolloClient({ cache: new InMemoryCache(), link: new GraphQLWsLink(transport) })
  return new Promise((resolve, reject) => {
    const running = client.subscribe({ query: gql(given.subscription) }).subscribe({
      next: ({ data }) => {
        running.unsubscribe()
        transport.dispose()
        resolve([{ data }])
      },
      error: reject
    })
  })
}

function urql(given, exchange, options = {}) {
  const client = new Client({ url: given.url, exchanges: [exchange], ...options })
  return new Promise((resolve) => {
    const { unsubscribe } = client.subscription(given.subscription, {}).subscribe(({ data, error }) => {
      setTimeout(() => unsubscribe())
      resolve(error ? { threw: error.message } : [{ data }])
    })
  })
}

async function urqlSocket(given) {
  const transport = socket(given)
  const exchange = subscriptionExchange({
    forwardSubscription: ({ query, variables }) => ({
      subscribe: (sink) => ({ unsubscribe: transport.subscribe({ query, variables }, sink) })
    })
  })
  try {
    return await urql(given, exchange)
  } finally {
    await transport.dispose()
  }
}

await play({
  socket: (given) => closing(socket(given), (client) => first(3, client, given.subscription)),
  socketQuery: (given) => closing(socket(given), (client) => first(9, client, given.query)),
  socketRefused: (given) => closing(socket(given), (client) => first(9, client, given.refused)),
  socketInvalid: (given) => closing(socket(given), (client) => refusal(client, '{ whatever }')),
  socketStranger: (given) =>
    closing(socket({ ...given, token: 'x' }, { retryAttempts: 0 }), (client) => refusal(client, given.query)),
  socketRenewed: renewed,
  events: (given) => closing(events(given), (client) => first(3, client, given.subscription)),
  eventsQuery: (given) => closing(events(given), (client) => first(9, client, given.query)),
  eventsRefused: (given) => closing(events(given), (client) => first(9, client, given.refused)),
  eventsInvalid: (given) => closing(events(given), (client) => first(9, client, '{ whatever }')),
  eventsStranger: (given) => closing(events({ ...given, token: 'x' }), (client) => refusal(client, given.query)),
  eventsShared: (given) =>
    closing(events(given, { singleConnection: true }), (client) => refusal(client, given.query)),
  apollo,
  urqlSocket,
  urqlEvents: (given) =>
    urql(given, fetchExchange, { fetchSubscriptions: true, fetchOptions: { headers: bearer(given.token) } })
})
process.exit()
