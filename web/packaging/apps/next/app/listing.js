'use client';

import { useRanked, useRecommended, useVitrine } from 'vitrine/react';

export function Listing({ products }) {
  const vitrine = useVitrine();
  const { items, status } = useRanked(products);
  const shelf = useRecommended({ n: 5 });
  return (
    <>
      <ul data-status={status}>
        {items.map(({ id, title }) => (
          <li key={id} data-item={id}>
            <button onClick={() => vitrine?.track({ item: id })}>{title}</button>
          </li>
        ))}
      </ul>
      <ol data-status={shelf.status}>
        {shelf.items.map(({ id }) => (
          <li key={id}>{id}</li>
        ))}
      </ol>
    </>
  );
}
