#!/usr/bin/env bash
# The main job, end to end: a shop's history, prepared, learned from, published and served.
#
#   VITRINE_DATA=folder   a real shop's events, items and orders; without it, a synthetic shop
#   VITRINE_LISTEN=addr   where the storefront is served; 127.0.0.1:8080 by default
#   VITRINE_DEMO=folder   where everything is written; .demo by default
#   VITRINE_SERVE=no      stop before serving
set -euo pipefail
cd "$(dirname "$0")/.."

vitrine="$VITRINE_BIN/vitrine"
demo="${VITRINE_DEMO:-.demo}"
listen="${VITRINE_LISTEN:-127.0.0.1:8080}"
mkdir -p "$demo"

if [ -n "${VITRINE_DATA:-}" ]; then
  events="$VITRINE_DATA"
  preset=auto
  # Vitrine's own schema, as one Parquet file.
  if [ -f "$events/events.parquet" ]; then preset=vitrine; fi
else
  events="$demo/shop"
  preset=behaviour
  [ -f "$events/events.csv" ] || "$vitrine" simulate --out "$events"
fi

"$vitrine" prepare --events "$events" --preset "${VITRINE_PRESET:-$preset}" --out "$demo/data"
"$vitrine" train --data "$demo/data" --out "$demo/run"
"$vitrine" evaluate --bundle "$demo/run/bundle" --data "$demo/data" --baselines

rm -rf "$demo/site"
cp -R web/demo/dist "$demo/site"
"$vitrine" export --run "$demo/run" --data "$demo/data" --catalogue "$demo/site/catalogue.json" \
  --currency "${VITRINE_CURRENCY:-GBP}"
rm -rf "$demo/store"
# The storefront takes no bundle that this key has not signed.
[ -f "$demo/key.pem" ] || "$vitrine" key new "$demo/key.pem" >/dev/null
public="$("$vitrine" key show "$demo/key.pem" | sed -n 's/^public key  *//p')"
sed -i.bak "s/<html /<html data-public-keys=\"$public\" /" "$demo/site/index.html"
rm "$demo/site/index.html.bak"
"$vitrine" publish "$demo/run/bundle" --to "$demo/store" --key "$demo/key.pem"

[ "${VITRINE_SERVE:-yes}" = no ] && exit 0
echo
echo "The storefront: http://$listen/   (Ctrl-C stops it)"
exec "$VITRINE_BIN/vitrine-server" serve --listen "$listen" --store "$demo/store" \
  --database "$demo/vitrine.db" --site "$demo/site"
