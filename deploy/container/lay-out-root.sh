#!/bin/sh
# Lays out the root directory of an image: Node, the libraries that it loads, and a user that owns nothing.
# Usage: lay-out-root.sh DIRECTORY [NODE]
set -eu

root=$1
node=$(readlink -f "${2:-$(command -v node)}")

mkdir -p "$root/etc/postern" "$root/opt/postern" "$root/tmp" "$root/usr/bin"
chmod 1777 "$root/tmp"
cp "$node" "$root/usr/bin/node"
chmod 755 "$root/usr/bin/node"

# Each line of ldd names a path behind "=>", or is one (the loader itself); the kernel's vdso has none.
ldd "$node" | tr ' \t' '\n\n' | grep '^/' | sort -u | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done

echo 'postern:x:65532:65532:Postern:/:/nonexistent' >"$root/etc/passwd"
echo 'postern:x:65532:' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
