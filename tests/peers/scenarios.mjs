// Runs the scenarios of a peer: one JSON request a line on standard input, one JSON answer a line on standard output.
import { createInterface } from 'node:readline'

// Whatever else has something to say says it elsewhere.
console.info = console.log = console.error

export async function run(scenarios) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { scenario, given } = JSON.parse(line)
    let answer
    try {
      answer = { result: (await scenarios[scenario](given)) ?? null }
    } catch (error) {
      answer = { error: { code: String(codeOf(error)), message: messageOf(error) } }
    }
    process.stdout.write(JSON.stringify(answer) + '\n')
  }
}

function codeOf(error) {
  const challenges = Array.isArray(error.cause) ? error.cause : []
  return error.error ?? challenges[0]?.parameters?.error ?? error.data?.payload?.error ?? error.errorCode ?? error.code ?? error.name
}

function messageOf(error) {
  const causes = []
  for (let each = error; each instanceof Error; each = each.cause) causes.push(each.message)
  return causes.join(': ')
}

const CURVES = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  Ed25519: { name: 'Ed25519' }
}

// A private JWK as the key that WebCrypto, and so the libraries, want.
export function privateKey(jwk) {
  return crypto.subtle.importKey('jwk', jwk, CURVES[jwk.alg], false, ['sign'])
}

export const QUERY = JSON.stringify({ query: '{ caller { party } clients { totalCount } }' })
export const JSON_HEADERS = { 'content-type': 'application/json' }
