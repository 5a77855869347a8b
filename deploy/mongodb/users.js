// Creates or updates the roles of roles.json, and a user for each in the database that the role belongs to. The user
// that runs it must be an administrator:
//
//   mongosh "mongodb://ADMINISTRATOR@HOST/?replicaSet=NAME" deploy/mongodb/users.js
//
// The password of the user `ingest` is in the variable INGEST_PASSWORD, and so on.
const { readFileSync } = require('fs')
const { join } = require('path')

for (const fact of JSON.parse(readFileSync(join(__dirname, 'roles.json'), 'utf8'))) {
  const { role, privileges, roles } = fact
  const variable = `${role.toUpperCase()}_PASSWORD`
  const pwd = process.env[variable]
  if (!pwd) throw new Error(`${variable} is not set: the password of MongoDB's user ${role}`)
  const target = db.getSiblingDB(fact.db)
  const user = { pwd, roles: [{ role, db: fact.db }], mechanisms: ['SCRAM-SHA-256'] }
  if (target.getRole(role)) target.updateRole(role, { privileges, roles })
  else target.createRole({ role, privileges, roles })
  if (target.getUser(role)) target.updateUser(role, user)
  else target.createUser({ user: role, ...user })
}
print('MongoDB has the users of all services')
