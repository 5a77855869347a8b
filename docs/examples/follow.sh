#!/bin/sh
# Prints the events of articles while it runs: type, id, revision, title, address.
#
#   docs/examples/follow.sh amqp://search:PASSWORD@HOST:5672 ['article.*']
#
# Needs amqp-consume (Debian: amqp-tools) and jq. Its queue is deleted when it ends; later events are not kept.
set -eu
case ${1-} in
  --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" && exit ;;
  -*) echo "$1 is no address of RabbitMQ; --help says what it takes" >&2 && exit 2 ;;
esac
url=${1:?the address of RabbitMQ, with your user and password}
user=${url#*://}
user=${user%%:*}

# Each event goes to jq and is acknowledged if jq succeeds. The queue's name must begin with the user's name.
# The address must not end with a slash, which would name a vhost with an empty name.
exec amqp-consume --url="${url%/}" --queue="$user.follow" --exclusive \
  --exchange=luotdoc.events --routing-key="${2:-article.*}" --prefetch-count=10 -- \
  jq --raw-output '[.type, .subject, .data.revision, .data.title, .data.url] | @tsv'
