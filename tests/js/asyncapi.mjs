// Parses the AsyncAPI document named on the command line; prints its operations and every diagnostic as JSON.
import { readFileSync } from 'node:fs'
import { Parser } from '@asyncapi/parser'

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], 'utf8'))
const operations = document ? document.operations().all().map((operation) => operation.id()) : []
const found = diagnostics.map(({ code, message, path, severity }) => ({ code, message, at: path.join('.'), severity }))
console.log(JSON.stringify({ operations, diagnostics: found }))
