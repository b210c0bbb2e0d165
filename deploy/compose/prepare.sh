#!/bin/sh
# Makes what compose.yaml expects in private/: secrets, and for a trial certificates of a throwaway authority.
# Nothing that is there is replaced. Usage: prepare.sh [DIRECTORY]
set -eu
mkdir -p "${1:-$(dirname "$0")}/private"
cd "${1:-$(dirname "$0")}/private"
# The containers' users are nobody on this machine, so what is mounted is readable to all of those who get to it.
chmod 700 .
umask 022
mkdir -p secrets tls tls-sandbox

for name in admin-token hash-key grafana-password; do
  [ -e "secrets/$name" ] || openssl rand -hex 24 | tr -d '\n' >"secrets/$name"
done

if [ ! -e tls/fullchain.pem ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj '/CN=Postern trial authority' \
    -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca-key.pem -out tls/ca.pem 2>/dev/null
  issue() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -keyout "$1/key.pem" -out request.pem 2>/dev/null
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$3" >extensions
    openssl x509 -req -in request.pem -CA tls/ca.pem -CAkey ca-key.pem -CAcreateserial -days 89 -extfile extensions \
      -out "$1/fullchain.pem" 2>/dev/null
    rm request.pem extensions
  }
  issue tls localhost DNS:localhost,IP:127.0.0.1
  issue tls-sandbox dovecot DNS:dovecot
  chmod a+r tls/key.pem tls-sandbox/key.pem
fi
