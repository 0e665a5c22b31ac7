// @azure/msal-node: Microsoft's library, pointed at an issuer that is not Microsoft's.
import { ConfidentialClientApplication, ProtocolMode } from '@azure/msal-node'
import { JSON_HEADERS, QUERY, run } from './scenarios.mjs'

function credential({ secret, thumbprint, pem }) {
  return pem ? { clientCertificate: { thumbprintSha256: thumbprint, privateKey: pem } } : { clientSecret: secret }
}

await run({
  async clientCredentials(given) {
    const application = new ConfidentialClientApplication({
      auth: {
        clientId: given.id,
        ...credential(given),
        authority: given.issuer,
        knownAuthorities: [new URL(given.issuer).host]
      },
      system: { protocolMode: ProtocolMode.OIDC }
    })
    const tokens = await application.acquireTokenByClientCredential({ scopes: given.parameters.scope.split(' ') })
    const headers = { ...JSON_HEADERS, authorization: `Bearer ${tokens.accessToken}` }
    const response = await fetch(given.resource, { method: 'POST', headers, body: QUERY })
    return { tokens, answer: await response.json() }
  }
})
