#!/bin/sh
# Installs what `npm ci && npm run build` made, beside the versions that are there. Starts nothing.
# Usage: install.sh, as root, from anywhere; DESTDIR= for a root directory elsewhere.
set -eu
umask 022
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
root=${DESTDIR:-}
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$source/package.json")
target=$root/opt/postern/$version

install -d "$target" "$root/etc/systemd/system/postern@b.service.d" "$root/usr/local/sbin" "$root/etc/postern"
install -d -m 700 "$root/etc/postern/secrets" "$root/etc/postern/tls"
# Not over a file that runs: the other instance goes on with the old one.
install -m 755 "$(readlink -f "$source/node_modules/.bin/node")" "$target/node.new" && mv "$target/node.new" "$target/node"
for file in package.json postern.js postern.js.map LICENSE THIRD-PARTY-LICENSES.txt; do
  install -m 644 "$source/dist/$file" "$target/$file.new" && mv "$target/$file.new" "$target/$file"
done
ln -sfn "$version" "$root/opt/postern/current"

install -m 644 "$here/postern@.service" "$here/postern-pop3.socket" "$here/postern-pop3s.socket" "$root/etc/systemd/system/"
install -m 644 "$here/postern@b.service.d/admin-port.conf" "$root/etc/systemd/system/postern@b.service.d/"
install -m 755 "$here/postern-swap" "$root/usr/local/sbin/"
[ -e "$root/etc/postern/postern.yaml" ] || install -m 644 "$here/postern.yaml" "$root/etc/postern/postern.yaml"
for name in admin-token hash-key; do
  [ -e "$root/etc/postern/secrets/$name" ] || (umask 077 && od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$root/etc/postern/secrets/$name")
done
echo "Postern $version is in $target"
