import { sveltekit } from '@sveltejs/kit/vite';

export default {
  plugins: [sveltekit()],
  // In development Vite would bundle the package anew, away from its modules.
  optimizeDeps: { exclude: ['vitrine'] },
};
