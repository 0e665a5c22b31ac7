// Plays all scenarios of a client: what it is given comes as JSON on standard input, what came of each goes to
// standard output. A scenario that throws is an error of that scenario's, in the client's own words.
import { text } from 'node:stream/consumers'

export async function play(scenarios) {
  const given = JSON.parse(await text(process.stdin))
  const came = {}
  for (const [name, scenario] of Object.entries(scenarios)) {
    try {
      came[name] = await scenario(given)
    } catch (error) {
      came[name] = { threw: `${error.name}: ${error.message}` }
    }
  }
  process.stdout.write(JSON.stringify(came))
}

export const codes = (errors) => (errors ?? []).map((error) => error.extensions?.code)
