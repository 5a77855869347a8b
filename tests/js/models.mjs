// Generates types of the AsyncAPI document named first, as TypeScript and Java, into the folder named second.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { JavaGenerator, TypeScriptGenerator } from '@asyncapi/modelina'

const [document, folder] = [JSON.parse(readFileSync(process.argv[2], 'utf8')), process.argv[3]]
const typescript = new TypeScriptGenerator({ modelType: 'interface', enumType: 'union', rawPropertyNames: true })
const made = {
  ts: await typescript.generateCompleteModels(document, { exportType: 'named', moduleSystem: 'ESM' }),
  java: await new JavaGenerator().generateCompleteModels(document, { packageName: 'vn.luotdoc.events' }),
}
for (const [language, models] of Object.entries(made)) {
  mkdirSync(`${folder}/${language}`, { recursive: true })
  for (const { modelName, result } of models) {
    if (modelName) writeFileSync(`${folder}/${language}/${modelName}.${language}`, result) // a text alone has no file
  }
}
const names = (models) => models.map(({ modelName }) => modelName)
console.log(JSON.stringify({ ts: names(made.ts), java: names(made.java) }))
