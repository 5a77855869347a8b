// For docker-compose.yml, in the network of the container `mongodb`: makes it a replica set with an administrator, then
// runs deploy/mongodb/users.js. Without a login MongoDB does both only until it has its first user, and only for a
// client on its own machine. It can run again at any time.
const AUTHENTICATION_FAILED = 18
const ALREADY_INITIALIZED = 23
const UNAUTHORIZED = 13
const place = '127.0.0.1:27017/?directConnection=true'
const pwd = process.env.MONGODB_PASSWORD

function login() {
  return connect(`mongodb://luotdoc:${pwd}@${place}`).getSiblingDB('admin')
}

function begin() {
  const admin = connect(`mongodb://${place}`).getSiblingDB('admin')
  const set = { _id: 'luotdoc', members: [{ _id: 0, host: 'mongodb:27017' }] }
  try {
    admin.runCommand({ replSetInitiate: set })
  } catch (error) {
    if (error.code === UNAUTHORIZED) {
      throw new Error('MongoDB refuses MONGODB_PASSWORD: its volume has another one for the user luotdoc')
    }
    if (error.code !== ALREADY_INITIALIZED) throw error
  }
  while (!admin.hello().isWritablePrimary) sleep(100)
  admin.createUser({ user: 'luotdoc', pwd, roles: ['root'], mechanisms: ['SCRAM-SHA-256'] })
}

try {
  db = login()
} catch (error) {
  if (error.code !== AUTHENTICATION_FAILED) throw error
  begin()
  db = login()
}
while (!db.hello().isWritablePrimary) sleep(100)
load('/etc/luotdoc/mongodb/users.js')
