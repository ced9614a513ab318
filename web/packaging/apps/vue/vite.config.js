import vue from '@vitejs/plugin-vue';

export default {
  plugins: [vue()],
  // In development Vite would bundle the package anew, away from its modules.
  optimizeDeps: { exclude: ['vitrine'] },
};
