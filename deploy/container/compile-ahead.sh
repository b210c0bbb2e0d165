#!/bin/sh
# Keeps in an image's root directory what Postern is compiled to, for its path and its user there: it starts, and says how it
# is, in half the time. Usage: compile-ahead.sh DIRECTORY, as root.
set -eu

postern="chroot --userspec=65532:65532 $1 /usr/bin/node /opt/postern/postern.js"
install -d -o 65532 -g 65532 "$1/var/cache/postern"
export NODE_COMPILE_CACHE=/var/cache/postern NODE_OPTIONS=--max-semi-space-size=4
export POSTERN_CONFIG_YAML='{listeners: [{name: any, address: "127.0.0.1:0", tls: starttls}], admin: {address: "unix:/tmp/admin.sock"}}'

$postern serve >/dev/null 2>&1 &
server=$!
tries=0
until $postern health --url unix:/tmp/admin.sock >/dev/null 2>&1; do
  tries=$((tries + 1))
  [ "$tries" -lt 60 ] || { echo 'Cannot compile ahead: Postern does not serve' >&2; exit 1; }
  sleep 0.5
done
# What was compiled is written at the end.
kill "$server"
wait "$server"
