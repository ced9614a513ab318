import { createVitrine } from 'vitrine';

export const vitrine = createVitrine({ endpoint: 'https://vitrine.shop.example' });
