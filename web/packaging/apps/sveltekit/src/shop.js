import { createVitrine } from 'vitrine';

// On the server it does nothing.
export const vitrine = createVitrine({
  endpoint: import.meta.env.VITE_VITRINE,
  timeout: 20_000,
});
