/** React as one develops with it: strict, and with arrays and options made anew in each render. */

import { StrictMode } from 'react';
import { hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server.browser';
import { createVitrine } from 'vitrine';
import { useRanked, useRecommended, useVitrine, VitrineProvider } from 'vitrine/react';

const vitrine = createVitrine({ timeout: 20_000, wasmUrl: '/wasm', worker: false });
const IDS = ['hf-001', 'hf-002', 'hf-003', 'hf-009'];
window.renders = 0;

function Listing() {
  window.renders += 1;
  const { items, status } = useRanked(IDS.map((id) => ({ id })));
  const shelf = useRecommended({ n: 3, exclude: [...IDS] });
  const vitrine = useVitrine();
  return (
    <ul data-status={status} data-shelf={shelf.items.length}>
      {items.map(({ id }) => (
        <li key={id} data-item={id} onClick={() => vitrine?.track({ item: id })}>
          {id}
        </li>
      ))}
    </ul>
  );
}

const Shop = () => (
  <StrictMode>
    <VitrineProvider vitrine={vitrine}>
      <Listing />
    </VitrineProvider>
    <section>
      {/* Without a provider: the order as it is. */}
      <Listing />
    </section>
  </StrictMode>
);

const root = document.querySelector('#root');
const template = new DOMParser().parseFromString(renderToString(<Shop />), 'text/html');
root.append(...template.body.children);
hydrateRoot(root, <Shop />, {
  onRecoverableError: (error) => console.error(`hydration: ${error}`),
});
