// Judges events: one JSON line {body, headers} in, one line out: the fault, or empty. The committed schemas of the
// folder named on the command line are checked with ajv, and CloudEvents' own SDK must take the event.
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import Ajv from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { HTTP } from 'cloudevents'

const folder = process.argv[2]
const ajv = addFormats(new Ajv({ allErrors: true }))
const event = {}, data = {}
for (const file of readdirSync(folder)) {
  const check = ajv.compile(JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')))
  if (file.endsWith('.event.json')) event[`luotdoc.${file.replace('.event.json', '')}`] = check
  else data[file] = check
}

const said = (check) => ajv.errorsText(check.errors, { dataVar: 'event' })

function fault({ body, headers }) {
  const held = JSON.parse(body)
  const [whole, part] = [event[held.type], data[held.dataschema?.split('/').pop()]]
  if (!whole || !part) return `no committed schema for ${held.type}, or for ${held.dataschema}`
  if (!whole(held)) return said(whole)
  if (!part(held.data)) return `data: ${said(part)}`
  const read = HTTP.toEvent({ body, headers })  // structured mode is the same on AMQP; it throws what is wrong
  read.validate()
  for (const name of ['id', 'source', 'type', 'subject', 'dataschema', 'sequence']) {
    if (read[name] !== held[name]) return `the SDK reads ${name} as ${read[name]}`
  }
  return JSON.stringify(read.data) === JSON.stringify(held.data) ? '' : 'the SDK reads other data'
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer
  try {
    answer = fault(JSON.parse(line))
  } catch (error) {
    answer = `${error}`
  }
  console.log(JSON.stringify(answer))
}
