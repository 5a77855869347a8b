#!/bin/sh
# Creates or updates a RabbitMQ user for each service, with the rights of services.json. The password of the user
# `ingest` is in the variable INGEST_PASSWORD, and so on; RABBITMQ_NODE names the node. It can run again at any time.
set -eu

ctl() {
  rabbitmqctl --quiet --node "${RABBITMQ_NODE:-rabbit@localhost}" "$@"
}

known=$(ctl list_users | cut -f1)
for user in setup ingest render counter stats; do
  variable=$(echo "$user" | tr '[:lower:]' '[:upper:]')_PASSWORD
  password=$(printenv "$variable") || { echo "$variable is not set: the password of RabbitMQ's user $user" >&2; exit 1; }
  verb=add_user
  if echo "$known" | grep -qx "$user"; then verb=change_password; fi
  echo "$password" | ctl "$verb" "$user"  # on standard input: other processes see arguments
done
ctl import_definitions "$(dirname "$0")/services.json"
