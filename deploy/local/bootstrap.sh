#!/usr/bin/env bash
# Install the Debian packages that are missing for: venv (a Python environment), servers (RabbitMQ, and what
# MongoDB's program links to), browser (Chromium), node (Node.js and npm), shell (amqp-consume and jq, for the shell
# example), java (javac), gateway (HAProxy), load (wrk and nginx), watch (Prometheus with promtool), containers (a
# Docker engine, and mmdebstrap for what it starts from), pythons (Python 3.11; 3.13, or mmdebstrap, which unpacks it
# from Debian 13).
# Quick when there is nothing to do. As root, or where sudo asks no password, it installs; else it prints the one
# command to type.
set -euo pipefail
cd /

missing=()
for need; do
  case $need in
    venv)
      ${PYTHON:-python3} -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
        || { echo "Python 3.11 or newer is needed; PYTHON=… names another than python3." >&2; exit 1; }
      ${PYTHON:-python3} -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
      ;;
    servers)
      [[ -n ${LUOTDOC_RABBITMQ_SERVER:-} || -x /usr/lib/rabbitmq/bin/rabbitmq-server ]] || missing+=(rabbitmq-server)
      [[ -n ${LUOTDOC_MONGOD:-} ]] || compgen -G '/usr/lib/*/libcurl.so.4' >/dev/null || missing+=(libcurl4)
      ;;
    browser)
      command -v chromium >/dev/null || missing+=(chromium)
      ;;
    node)
      if ! command -v node >/dev/null; then
        missing+=(nodejs)
      elif ! node -e 'process.exit(process.versions.node.split(".")[0] < 18 ? 1 : 0)'; then
        echo "Node.js 18 or newer is needed; this is $(node --version)." >&2
        exit 1
      fi
      command -v npm >/dev/null || missing+=(npm)
      ;;
    shell)
      command -v amqp-consume >/dev/null || missing+=(amqp-tools)
      command -v jq >/dev/null || missing+=(jq)
      ;;
    watch)
      { command -v prometheus && command -v promtool; } >/dev/null || missing+=(prometheus)
      ;;
    gateway)
      [[ -x /usr/sbin/haproxy ]] || missing+=(haproxy)
      ;;
    java)
      command -v javac >/dev/null || missing+=(default-jdk-headless)
      ;;
    containers)
      command -v dockerd >/dev/null || missing+=(docker.io)
      command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
      ;;
    pythons)
      python3.11 -c 'import ensurepip' 2>/dev/null || missing+=(python3.11-venv)
      python3.13 -c 'import ensurepip' 2>/dev/null || command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
      ;;
    load)
      command -v wrk >/dev/null || missing+=(wrk)
      [[ -x /usr/sbin/nginx ]] || missing+=(nginx)
      ;;
    *)
      echo "bootstrap.sh: what is '$need'?" >&2
      exit 2
      ;;
  esac
done
((${#missing[@]})) || exit 0

apt=(apt-get install -y --no-install-recommends "${missing[@]}")
root=()
((EUID == 0)) || root=(sudo -n)
if ! command -v apt-get >/dev/null || { ((EUID)) && ! sudo -n true 2>/dev/null; }; then
  echo "Please install first: sudo ${apt[*]}" >&2
  exit 1
fi

# Packages start their services when they are installed, unless this file says no. RabbitMQ's own node, Debian's
# HAProxy, nginx and Prometheus are not wanted here, now or at the next boot: they would hold the standard ports.
policy=/usr/sbin/policy-rc.d
restore() {
  "${root[@]}" rm -f "$policy"
  [[ ! -e $policy.before-luotdoc ]] || "${root[@]}" mv "$policy.before-luotdoc" "$policy"
}
[[ ! -e $policy || -e $policy.before-luotdoc ]] || "${root[@]}" mv "$policy" "$policy.before-luotdoc"
trap restore EXIT
printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
"${root[@]}" chmod 755 "$policy"

echo "Installing ${missing[*]}"
apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive "${apt[@]}" -qq -o Dpkg::Use-Pty=0)
log=$(mktemp)
"${apt[@]}" >"$log" 2>&1 || { "${root[@]}" apt-get update -qq && "${apt[@]}" >"$log" 2>&1; } \
  || { cat "$log" >&2; exit 1; }
rm -f "$log"
for service in rabbitmq-server haproxy nginx prometheus docker.io; do
  if [[ " ${missing[*]} " == *" $service "* && -d /run/systemd/system ]]; then
    "${root[@]}" systemctl disable --quiet "${service%.io}"
  fi
done
