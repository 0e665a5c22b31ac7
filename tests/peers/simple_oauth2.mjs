// simple-oauth2: addresses written down by hand, a secret in the header or in the form.
import { createHash, randomBytes } from 'node:crypto'
import { AuthorizationCode, ClientCredentials } from 'simple-oauth2'
import { JSON_HEADERS, QUERY, run } from './scenarios.mjs'

const flows = new Map()

function settings({ issuer, id, secret, method }, pages = {}) {
  const { origin, pathname } = new URL(issuer)
  return {
    client: { id, secret },
    auth: {
      tokenHost: origin,
      tokenPath: `${pathname}/token`,
      revokePath: `${pathname}/revoke`,
      ...pages
    },
    options: { authorizationMethod: method === 'client_secret_post' ? 'body' : 'header' }
  }
}

async function answered(resource, token) {
  const headers = { ...JSON_HEADERS, authorization: `Bearer ${token}` }
  return (await fetch(resource, { method: 'POST', headers, body: QUERY })).json()
}

await run({
  async clientCredentials(given) {
    const { token } = await new ClientCredentials(settings(given)).getToken(given.parameters)
    return { tokens: token, answer: await answered(given.resource, token.access_token) }
  },

  async authorizationUrl(given) {
    const client = new AuthorizationCode(settings(given, { authorizePath: `${new URL(given.issuer).pathname}/authorize` }))
    const verifier = randomBytes(32).toString('base64url')
    const state = randomBytes(16).toString('base64url')
    flows.set(given.id, { client, verifier, state })
    return client.authorizeURL({
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      state,
      ...given.parameters
    })
  },

  async codeGrant(given) {
    const flow = flows.get(given.id)
    const came = new URL(given.callback).searchParams
    if (came.get('error')) throw Object.assign(new Error('refused'), { code: came.get('error') })
    if (came.get('state') !== flow.state) throw new Error('another state')
    flow.accessToken = await flow.client.getToken({
      code: came.get('code'),
      redirect_uri: given.callback.split('?')[0],
      code_verifier: flow.verifier
    })
    const { token } = flow.accessToken
    return { tokens: token, answer: await answered(given.resource, token.access_token) }
  },

  async refreshGrant(given) {
    const flow = flows.get(given.id)
    flow.accessToken = await flow.accessToken.refresh()
    const { token } = flow.accessToken
    return { tokens: token, answer: await answered(given.resource, token.access_token) }
  },

  async revocation(given) {
    await flows.get(given.id).accessToken.revokeAll()
  }
})
