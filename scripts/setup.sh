#!/usr/bin/env bash
# Installs what a build needs beside Rust, Node and make; quick when it is there already.
#   setup.sh            the wasm target and the npm packages
#   setup.sh packaging  the bundlers that the npm package is tested with
#   setup.sh bench-web  the rivals that the npm package is measured beside
#   setup.sh postgres   a PostgreSQL for the tests of the server
#   setup.sh strace     what records a server for the tests of a loss of power
#   setup.sh browser    a Chromium for the browser tests
#   setup.sh firefox    a Firefox for those of storage
#   setup.sh deny       cargo-deny
#   setup.sh fuzz       a nightly compiler and cargo-fuzz
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "setup: $*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Installs a folder's locked npm packages, unless that is done already.
npm_packages() {
  if [ "$1/package-lock.json" -nt "$1/node_modules/.package-lock.json" ]; then
    npm --prefix "$1" ci --no-fund --no-audit
    touch "$1/node_modules/.package-lock.json"
  fi
}

case "${1:-build}" in
build)
  command -v cargo >/dev/null || fail "Rust is not installed: see https://rustup.rs"
  command -v npm >/dev/null || fail "Node 20 or later is not installed: see https://nodejs.org"
  command -v cc >/dev/null || fail "no C compiler: install gcc or clang (SQLite is compiled)"
  if command -v rustup >/dev/null; then
    rustup target list --installed | grep -qx wasm32-unknown-unknown ||
      rustup target add wasm32-unknown-unknown
  fi
  npm_packages web
  ;;
packaging)
  npm_packages web/packaging
  ;;
bench-web)
  npm_packages benches/web
  ;;
postgres)
  for folder in ${PATH//:/ } /usr/lib/postgresql/*/bin; do
    if [ -x "$folder/initdb" ]; then exit 0; fi
  done
  command -v apt-get >/dev/null || fail "no PostgreSQL: install one, with initdb on the PATH"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null
  ;;
strace)
  command -v strace >/dev/null && exit 0
  command -v apt-get >/dev/null || fail "no strace: install one"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq strace >/dev/null
  ;;
browser)
  for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
    if [ -n "$name" ] && command -v "$name" >/dev/null; then exit 0; fi
  done
  command -v apt-get >/dev/null ||
    fail "no Chromium: install one, or set CHROMIUM to the path of its program"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null
  ;;
firefox)
  for name in "${FIREFOX:-}" firefox firefox-esr; do
    if [ -n "$name" ] && command -v "$name" >/dev/null; then exit 0; fi
  done
  command -v apt-get >/dev/null ||
    fail "no Firefox: install one, or set FIREFOX to the path of its program"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq firefox-esr >/dev/null
  ;;
deny)
  command -v cargo-deny >/dev/null || cargo install cargo-deny --locked --quiet
  ;;
fuzz)
  rustup toolchain list | grep -q ^nightly || rustup toolchain install nightly --profile minimal
  command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz --locked --quiet
  ;;
*)
  fail "unknown part '$1'"
  ;;
esac
