export default {
  // In development Vite would bundle the package anew, away from its modules.
  optimizeDeps: { exclude: ['vitrine'] },
};
