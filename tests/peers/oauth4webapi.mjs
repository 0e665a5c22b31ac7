// oauth4webapi: an application that finds everything by itself, and a resource server that trusts the gateway's tokens.
import * as oauth from 'oauth4webapi'
import { JSON_HEADERS, QUERY, privateKey, run } from './scenarios.mjs'

const METHODS = {
  client_secret_basic: ({ secret }) => oauth.ClientSecretBasic(secret),
  client_secret_post: ({ secret }) => oauth.ClientSecretPost(secret),
  private_key_jwt: async ({ jwk, kid }) => oauth.PrivateKeyJwt({ key: await privateKey(jwk), kid }),
  none: () => oauth.None()
}

const flows = new Map()

async function discovered({ issuer, algorithm = 'oauth2' }) {
  const url = new URL(issuer)
  return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { algorithm }))
}

// What a refusal of the GraphQL endpoint says about where to get a token (RFC 9728, 5.1).
async function challenged(resource) {
  try {
    await oauth.protectedResourceRequest('nonsense', 'POST', new URL(resource), new Headers(JSON_HEADERS), QUERY)
  } catch (error) {
    if (error instanceof oauth.WWWAuthenticateChallengeError) return error.cause[0]
    throw error
  }
  throw new Error('a token of nobody was answered')
}

async function answered(resource, token, DPoP) {
  const headers = new Headers(JSON_HEADERS)
  const request = () => oauth.protectedResourceRequest(token, 'POST', new URL(resource), headers, QUERY, { DPoP })
  return (await retried(request)).json()
}

// As the library's examples have it: a server that wants a nonce says so once.
async function retried(request) {
  try {
    return await request()
  } catch (error) {
    if (oauth.isDPoPNonceError(error)) return request()
    throw error
  }
}

async function granted(ask, process) {
  try {
    return await process(await ask())
  } catch (error) {
    if (oauth.isDPoPNonceError(error)) return process(await ask())
    throw error
  }
}

async function proof(client, { dpop }) {
  return dpop && oauth.DPoP(client, await oauth.generateKeyPair(dpop))
}

await run({
  async metadata(given) {
    return discovered(given)
  },

  async clientCredentials(given) {
    const server = await discovered(given)
    const client = { client_id: given.id }
    const authentication = await METHODS[given.method](given)
    const DPoP = await proof(client, given)
    const tokens = await granted(
      () => oauth.clientCredentialsGrantRequest(server, client, authentication, given.parameters, { DPoP }),
      response => oauth.processClientCredentialsResponse(server, client, response)
    )
    return { tokens, answer: await answered(given.resource, tokens.access_token, DPoP) }
  },

  // From the address of the GraphQL endpoint alone to the metadata of whom to ask for a token.
  async resourceDiscovery({ resource }) {
    const { parameters } = await challenged(resource)
    const found = await oauth.processResourceDiscoveryResponse(new URL(resource), await fetch(parameters.resource_metadata))
    const direct = await oauth.processResourceDiscoveryResponse(new URL(resource), await oauth.resourceDiscoveryRequest(new URL(resource)))
    return { found, direct, server: await discovered({ issuer: found.authorization_servers[0] }) }
  },

  // The library as a resource server: the claims of a token that it accepts.
  async validation(given) {
    const headers = { authorization: `${given.scheme ?? 'Bearer'} ${given.token}` }
    return oauth.validateJwtAccessToken(await discovered(given), new Request(given.resource, { headers }), given.audience)
  },

  // The same for a token that is bound to a key, with a proof of it.
  async boundValidation(given) {
    const server = await discovered(given)
    const client = { client_id: given.id }
    const DPoP = await proof(client, given)
    const authentication = await METHODS[given.method](given)
    const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, given.parameters, { DPoP })
    const { access_token: token } = await oauth.processClientCredentialsResponse(server, client, response)
    let sent
    await oauth.protectedResourceRequest(token, 'GET', new URL(given.resource), new Headers(), null, {
      DPoP,
      [oauth.customFetch]: async (url, options) => (sent = new Request(url, options), new Response())
    })
    return oauth.validateJwtAccessToken(server, sent, given.audience, { requireDPoP: true })
  },

  async introspection(given) {
    const server = await discovered(given)
    const client = { client_id: given.id }
    const response = await oauth.introspectionRequest(server, client, await METHODS[given.method](given), given.token)
    return oauth.processIntrospectionResponse(server, client, response)
  },

  async revocation(given) {
    const server = await discovered(given)
    const response = await oauth.revocationRequest(server, { client_id: given.id }, await METHODS[given.method](given), given.token)
    await oauth.processRevocationResponse(response)
  },

  async authorizationUrl(given) {
    const server = await discovered(given)
    const client = { client_id: given.id }
    const verifier = oauth.generateRandomCodeVerifier()
    const state = oauth.generateRandomState()
    const url = new URL(server.authorization_endpoint)
    const parameters = {
      client_id: given.id,
      response_type: 'code',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      ...given.parameters
    }
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    flows.set(given.id, { server, client, verifier, state, DPoP: await proof(client, given), authentication: await METHODS[given.method](given) })
    return url.href
  },

  async codeGrant(given) {
    const { server, client, verifier, state, DPoP, authentication } = flows.get(given.id)
    const parameters = oauth.validateAuthResponse(server, client, new URL(given.callback), state)
    const redirectUri = given.callback.split('?')[0]
    const tokens = await granted(
      () => oauth.authorizationCodeGrantRequest(server, client, authentication, parameters, redirectUri, verifier, { DPoP }),
      response => oauth.processAuthorizationCodeResponse(server, client, response)
    )
    return { tokens, answer: await answered(given.resource, tokens.access_token, DPoP) }
  },

  async refreshGrant(given) {
    const { server, client, DPoP, authentication } = flows.get(given.id)
    const tokens = await granted(
      () => oauth.refreshTokenGrantRequest(server, client, authentication, given.token, { DPoP }),
      response => oauth.processRefreshTokenResponse(server, client, response)
    )
    return { tokens, answer: await answered(given.resource, tokens.access_token, DPoP) }
  }
})
