// Validators of the events, from the JSON Schemas beside this file.
import { readFileSync, readdirSync } from 'node:fs'
import Ajv from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

const folder = new URL('./schemas/', import.meta.url)
const ajv = addFormats(new Ajv({ allErrors: false }))
const checks = new Map()
for (const file of readdirSync(folder)) {
  if (!file.endsWith('.event.json')) continue
  const schema = JSON.parse(readFileSync(new URL(file, folder), 'utf8'))
  checks.set(schema.properties.type.const, ajv.compile(schema))
}

/** The CloudEvents types that this package knows. */
export const types = [...checks.keys()]

/** What is wrong with a parsed event; empty if it is valid. */
export function faults(value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return ['the event is no object']
  const check = checks.get(value.type)
  if (!check) return [`no event has the type ${String(JSON.stringify(value.type)).slice(0, 200)}`]
  if (check(value)) return []
  return check.errors.map(({ instancePath, message }) => `event${instancePath} ${message}`)
}

/** Whether a parsed value is an event of a known type. */
export function isEvent(value) {
  return faults(value).length === 0
}

/** Parses an event from its JSON. Throws a SyntaxError for other text, a TypeError for another value. */
export function parse(text) {
  const value = JSON.parse(text)
  const found = faults(value)
  if (found.length) throw new TypeError(found.join('; '))
  return value
}
