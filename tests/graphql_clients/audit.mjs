// The audit of graphql-http, as a caller with a token has it done.
import { serverAudits } from 'graphql-http'
import { play } from './played.mjs'

await play({
  async audits({ url, token }) {
    const fetchFn = (address, init = {}) =>
      fetch(address, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } })
    const found = []
    for (const { id, name, fn } of serverAudits({ url, fetchFn })) {
      const { status, reason } = await fn()
      found.push({ id, name, status, reason })
    }
    return found
  }
})
