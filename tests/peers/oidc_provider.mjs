// oidc-provider: an identity provider of somebody else's, certified as such, that a party could have.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Provider } from 'oidc-provider'
import { run } from './scenarios.mjs'

let server

await run({
  // Its issuer, where it listens from now on; all tokens are for `resource`, if that is what is asked for.
  async start({ jwk, scopes, clients }) {
    server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const issuer = `http://127.0.0.1:${server.address().port}`
    const provider = new Provider(issuer, {
      clients,
      jwks: { keys: [jwk] },
      scopes,
      cookies: { keys: ['a key of its own'] },
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        dPoP: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_, audience) => ({
            audience,
            scope: scopes.join(' '),
            accessTokenFormat: 'jwt',
            accessTokenTTL: 300,
            jwt: { sign: { alg: jwk.alg } }
          })
        }
      },
      extraTokenClaims: () => ({ org: 'aliexpress' })
    })
    server.on('request', provider.callback())
    return issuer
  },

  async stop() {
    server.close()
    server.closeAllConnections()
  }
})
