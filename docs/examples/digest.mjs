// A digest by e-mail: once a period, one mail about what was published since the last. It prints the mail; replace
// `send` by what sends yours. Needs Node.js 18 and `npm install amqplib`.
//
//   AMQP_URL=amqp://user:password@host PERIOD=86400 node digest.mjs
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import amqplib from 'amqplib'

const AMQP_URL = process.env.AMQP_URL ?? 'amqp://localhost'
const QUEUE = process.env.QUEUE ?? 'digest.articles' // yours alone; your RabbitMQ user decides how it must begin
const PERIOD = Number(process.env.PERIOD ?? 86400) // seconds
const KNOWN = ['published', 'updated', 'withdrawn'].map((name) => `luotdoc.article.${name}.v1`)
const STATE = process.env.STATE ?? 'digest.json' // your database, in earnest

// revisions: the newest that was seen of each article, of withdrawn ones too; waiting: what the next mail tells.
const state = existsSync(STATE) ? JSON.parse(readFileSync(STATE, 'utf8')) : { revisions: {}, waiting: {} }

function save() {
  const file = openSync(`${STATE}.new`, 'w')
  writeSync(file, JSON.stringify(state))
  fsyncSync(file)
  closeSync(file)
  renameSync(`${STATE}.new`, STATE)
}

function take({ type, subject, sequence, data }) {
  if (!KNOWN.includes(type)) return // a later version, which comes beside the one that we know
  if (!(sequence > (state.revisions[subject] ?? ''))) return // late, or a repetition; sequences compare as text
  if (type === 'luotdoc.article.withdrawn.v1') delete state.waiting[subject]
  else if (type === 'luotdoc.article.published.v1' || subject in state.waiting) {
    state.waiting[subject] = { title: data.title, url: data.url }
  }
  state.revisions[subject] = sequence // of a withdrawn one too, so that an older event does not bring it back
}

function handle(channel, message) {
  if (message === null) throw new Error(`the queue ${QUEUE} was deleted`)
  // Nobody wants old news by mail: a replay repeats what this queue has had, or had before it was there.
  if (!message.properties.headers['x-luotdoc-replay']) {
    try {
      take(JSON.parse(message.content))
    } catch (error) {
      console.error(`parked in ${QUEUE}.parked: ${error.message}`)
      return channel.nack(message, false, false)
    }
    save()
  }
  channel.ack(message) // after the save: what is not acked comes again
}

function send() {
  const articles = Object.values(state.waiting)
  if (!articles.length) return
  console.log(`Subject: ${articles.length} new\n\n${articles.map(({ title, url }) => `${title}\n${url}\n`).join('\n')}`)
  state.waiting = {}
  save() // after the mail: a digest that comes twice is better than none
}

async function setup(connection) { // again after each reconnect
  const channel = await connection.createChannel()
  // A refused permission, a full disk: end, be started again, and get again what is not acked.
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
