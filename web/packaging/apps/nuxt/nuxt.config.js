export default defineNuxtConfig({
  compatibilityDate: '2026-01-01',
  runtimeConfig: { public: { vitrine: '' } },
  // In development Vite would bundle the package anew, away from its modules.
  vite: { optimizeDeps: { exclude: ['vitrine'] } },
});
