'use client';

import { createVitrine } from 'vitrine';
import { VitrineProvider } from 'vitrine/react';

const vitrine = createVitrine({ endpoint: process.env.NEXT_PUBLIC_VITRINE, timeout: 20_000 });

export function Shop({ children }) {
  return <VitrineProvider vitrine={vitrine}>{children}</VitrineProvider>;
}
