// A digest by e-mail: once a period, one mail about what was published since the last. It prints the mail; replace
// `send` by what sends yours. Needs Node.js 18 and `npm install amqplib@2`. Once its queue is bound, have every article
// replayed into it: from then on it knows which are new.
//
//   AMQP_URL=amqp://user:password@host PERIOD=86400 node digest.mjs
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import amqplib from 'amqplib'

const library = `${dirname(createRequire(import.meta.url).resolve('amqplib'))}/package.json`
const { version } = JSON.parse(readFileSync(library, 'utf8'))
if (!(parseInt(version) >= 2)) { // an older amqplib ignores `recovery`, and would not reconnect
  console.error(`amqplib ${version} is too old: npm install amqplib@2`)
  process.exit(1)
}

const AMQP_URL = process.env.AMQP_URL ?? 'amqp://localhost'
const QUEUE = process.env.QUEUE ?? 'digest.articles' // must begin with your RabbitMQ user's name and a dot
const PERIOD = Number(process.env.PERIOD ?? 86400) // seconds
const [PUBLISHED, UPDATED, WITHDRAWN] = ['published', 'updated', 'withdrawn'].map((name) => `luotdoc.article.${name}.v1`)
const STATE = process.env.STATE ?? 'digest.json' // in production use your database

// By article id: the newest sequence seen and, unless the article is withdrawn, its title, url, and whether it is due
// for the next mail.
const state = new Map(existsSync(STATE) ? JSON.parse(readFileSync(STATE, 'utf8')) : [])

function save() {
  const file = openSync(`${STATE}.new`, 'w')
  writeSync(file, JSON.stringify([...state]))
  fsyncSync(file)
  closeSync(file)
  renameSync(`${STATE}.new`, STATE)
}

function take({ type, subject, sequence, data }, replayed) {
  if (![PUBLISHED, UPDATED, WITHDRAWN].includes(type)) return // a type that we don't handle, such as a later version
  const before = state.get(subject) ?? { sequence: '' }
  if (!(sequence > before.sequence)) return // late, or a repetition; sequences compare as text
  if (type === WITHDRAWN) {
    state.set(subject, { sequence }) // a tombstone, so that a late older event does not bring the article back
    return
  }
  // The first event decides: after a failure `published` may arrive after `updated`, and is then dropped.
  const appears = type === PUBLISHED || !('title' in before)
  // Replayed articles are stored but not mailed. `change: minor` means not worth a mail, such as an import.
  const quiet = data.change === 'republish' || (type === PUBLISHED && data.change === 'minor')
  const news = appears && !quiet && !replayed
  state.set(subject, { sequence, title: data.title, url: data.url, due: news || before.due === true })
}

function handle(channel, message) {
  if (message === null) throw new Error(`the queue ${QUEUE} was deleted`)
  try {
    take(JSON.parse(message.content), 'x-luotdoc-replay' in message.properties.headers)
  } catch (error) {
    console.error(`parked in ${QUEUE}.parked: ${error.message}`)
    return channel.nack(message, false, false)
  }
  save()
  channel.ack(message) // after the save: an unacked event is delivered again
}

function send() {
  const articles = [...state.values()].filter(({ due }) => due)
  if (!articles.length) return
  console.log(`Subject: ${articles.length} new\n\n${articles.map(({ title, url }) => `${title}\n${url}\n`).join('\n')}`)
  for (const article of articles) article.due = false
  save() // after the mail: two mails are better than none
}

async function setup(connection) { // again after each reconnect
  const channel = await connection.createChannel()
  // On a missing right or a full disk end the process: after its restart unacked events are delivered again.
  for (const trouble of ['error', 'handler-error']) channel.on(trouble, (error) => { throw error })
  const quorum = {
    'x-queue-type': 'quorum', // survives the loss of a node
    'x-delivery-limit': 1_000_000, // lost connections count too
  }
  const route = { 'x-dead-letter-exchange': `${QUEUE}.dlx`, 'x-dead-letter-routing-key': `${QUEUE}.parked` }
  await channel.assertExchange(`${QUEUE}.dlx`, 'direct')
  await channel.assertQueue(`${QUEUE}.parked`, { arguments: quorum })
  await channel.bindQueue(`${QUEUE}.parked`, `${QUEUE}.dlx`, `${QUEUE}.parked`)
  await channel.assertQueue(QUEUE, { arguments: { ...quorum, ...route } })
  for (const key of ['article.published', 'article.updated', 'article.withdrawn']) {
    await channel.bindQueue(QUEUE, 'luotdoc.events', key)
  }
  await channel.prefetch(20)
  await channel.consume(QUEUE, (message) => handle(channel, message))
}

const connection = await amqplib.connect(AMQP_URL, { recovery: { setup, waitForConnect: false } })
for (const trouble of ['connect-failed', 'disconnect', 'error']) {
  connection.on(trouble, (error) => console.error(`${trouble}, trying again: ${error.message}`))
}
connection.on('connect', () => console.error(`waiting for articles in ${QUEUE}`))
connection.on('handler-error', (error) => { throw error })
setInterval(send, PERIOD * 1000)
