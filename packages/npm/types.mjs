// Writes index.d.ts: the types of the AsyncAPI document named first, into the file named second.
import { readFileSync, writeFileSync } from 'node:fs'
import { TypeScriptGenerator } from '@asyncapi/modelina'

const document = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const generator = new TypeScriptGenerator({ modelType: 'interface', enumType: 'union', rawPropertyNames: true })
const models = (await generator.generate(document)).filter(({ modelName }) => modelName)
models.sort((a, b) => (a.modelName < b.modelName ? -1 : 1))
// The generator's field for unknown fields is none that a parsed event has.
const plain = (text) => text.replace(/^ *'additionalProperties'.*\n/gm, '')
const events = models.map(({ modelName }) => modelName).filter((name) => name.endsWith('Event'))
writeFileSync(process.argv[3], `${models.map(({ result }) => `export ${plain(result)}`).join('\n\n')}

/** An event of any type; \`type\` says which. */
export type LuotdocEvent = ${events.join(' | ')}

/** The CloudEvents types that this package knows. */
export declare const types: LuotdocEvent['type'][]

/** What is wrong with a parsed event; empty if it is valid. */
export declare function faults(value: unknown): string[]

/** Whether a parsed value is an event of a known type. */
export declare function isEvent(value: unknown): value is LuotdocEvent

/** Parses an event from its JSON. Throws a SyntaxError for other text, a TypeError for another value. */
export declare function parse(text: string): LuotdocEvent
`)
