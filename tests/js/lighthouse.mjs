// Runs Lighthouse as for a phone on each address of the command line, in the Chromium of CHROME_PATH with the flags of
// CHROME_FLAGS. One JSON line each: scores of the categories in percent, and what keeps a category from 100.
import { launch } from 'chrome-launcher'
import lighthouse from 'lighthouse'

const onlyCategories = ['performance', 'accessibility', 'best-practices', 'seo']
const chrome = await launch({ chromeFlags: process.env.CHROME_FLAGS.split(' '), ignoreDefaultFlags: true })
try {
  for (const url of process.argv.slice(2)) {
    const { lhr } = await lighthouse(url, { port: chrome.port, onlyCategories, ignoreStatusCode: true, logLevel: 'error' })
    const scores = {}, faults = {}, told = []
    for (const [name, { score, auditRefs }] of Object.entries(lhr.categories)) {
      scores[name] = Math.round(score * 100)
      faults[name] = auditRefs.filter(({ id, weight }) => weight && (lhr.audits[id].score ?? 1) < 1).map(({ id }) => id)
    }
    for (const id of [...faults.accessibility, ...faults['best-practices'], ...faults.seo]) {
      told.push(...(lhr.audits[id].details?.items ?? []).map((item) => JSON.stringify(item).slice(0, 300)))
    }
    console.log(JSON.stringify({ url, error: lhr.runtimeError?.code ?? null, scores, faults, told }))
  }
} finally {
  await chrome.kill()
}
