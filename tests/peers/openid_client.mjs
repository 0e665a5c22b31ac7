// openid-client: the library that most Node applications sign people in with.
import * as client from 'openid-client'
import { JSON_HEADERS, QUERY, privateKey, run } from './scenarios.mjs'

const METHODS = {
  client_secret_basic: ({ secret }) => client.ClientSecretBasic(secret),
  client_secret_post: ({ secret }) => client.ClientSecretPost(secret),
  private_key_jwt: async ({ jwk, kid }) => client.PrivateKeyJwt({ key: await privateKey(jwk), kid }),
  none: () => client.None()
}

const flows = new Map()

async function discovered(given) {
  const authentication = await METHODS[given.method](given)
  return client.discovery(new URL(given.issuer), given.id, undefined, authentication, { algorithm: given.algorithm ?? 'oauth2' })
}

async function proof(config, given) {
  if (!given.dpop) return undefined
  const pair = await client.randomDPoPKeyPair(given.dpop)
  return { DPoP: client.getDPoPHandle(config, pair) }
}

async function answered(config, given, token, options) {
  const headers = new Headers(JSON_HEADERS)
  const response = await client.fetchProtectedResource(config, token, new URL(given.resource), 'POST', QUERY, headers, options)
  return response.json()
}

await run({
  async metadata(given) {
    return (await discovered(given)).serverMetadata()
  },

  // A token for the application itself, and what the GraphQL endpoint answers to its bearer.
  async clientCredentials(given) {
    const config = await discovered(given)
    const options = await proof(config, given)
    const tokens = await client.clientCredentialsGrant(config, given.parameters, options)
    return { tokens, answer: await answered(config, given, tokens.access_token, options) }
  },

  async introspection(given) {
    return client.tokenIntrospection(await discovered(given), given.token)
  },

  async revocation(given) {
    await client.tokenRevocation(await discovered(given), given.token)
  },

  // The address to send a person's browser to; what comes back goes to `codeGrant`.
  async authorizationUrl(given) {
    const config = await discovered(given)
    const verifier = client.randomPKCECodeVerifier()
    const state = client.randomState()
    const url = client.buildAuthorizationUrl(config, {
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      ...given.parameters
    })
    flows.set(given.id, { config, verifier, state, options: await proof(config, given) })
    return url.href
  },

  async codeGrant(given) {
    const { config, verifier, state, options } = flows.get(given.id)
    const checks = { pkceCodeVerifier: given.verifier ?? verifier, expectedState: state }
    const tokens = await client.authorizationCodeGrant(config, new URL(given.callback), checks, undefined, options)
    return { tokens, answer: await answered(config, given, tokens.access_token, options) }
  },

  async refreshGrant(given) {
    const { config, options } = flows.get(given.id)
    const tokens = await client.refreshTokenGrant(config, given.token, given.parameters, options)
    return { tokens, answer: await answered(config, given, tokens.access_token, options) }
  }
})
