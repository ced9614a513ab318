import { useState } from 'react';
import { createRoot } from 'react-dom/client';
import { createVitrine } from 'vitrine';
import { useRanked, useRecommended, useVitrine, VitrineProvider } from 'vitrine/react';
import { CASES, NUMBERS, told } from './cases.js';

const vitrine = createVitrine({ timeout: 20_000, wasmUrl: '/wasm', worker: false });
window.vitrine = vitrine;
window.lists = {};
const keep = (name, list) => Object.assign(window.lists, Object.fromEntries([told(name, list)]));

function List({ name, items, options }) {
  keep(name, useRanked(items, options));
  return null;
}

/** As with data that is fetched: there, gone while it is fetched again, and there. */
function Late() {
  const [items, set] = useState();
  window.deliver = set;
  keep('late', useRanked(items));
  return null;
}

function Shelf({ name }) {
  keep(name, useRecommended(name === 'shelf' ? { n: 3, exclude: [NUMBERS[0]] } : null));
  return null;
}

function Outside() {
  window.outside = useVitrine();
  keep('outside', useRanked(NUMBERS));
  keep('outside shelf', useRecommended());
  return null;
}

createRoot(document.querySelector('#root')).render(
  <>
    <VitrineProvider vitrine={vitrine}>
      {Object.entries(CASES).map(([name, [items, options]]) => (
        <List key={name} {...{ name, items, options }} />
      ))}
      <Late />
      <Shelf name="shelf" />
      <Shelf name="shelf without options" />
    </VitrineProvider>
    <VitrineProvider vitrine={undefined}>
      <List name="instance is being made" items={NUMBERS} />
    </VitrineProvider>
    <Outside />
    <Outside />
    <p>drawn</p>
  </>,
);
