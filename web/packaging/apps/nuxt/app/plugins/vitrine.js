import { createVitrine } from 'vitrine';
import { VitrinePlugin } from 'vitrine/vue';

export default defineNuxtPlugin(({ vueApp }) => {
  // On the server it does nothing.
  const { vitrine: endpoint } = useRuntimeConfig().public;
  vueApp.use(VitrinePlugin, createVitrine({ endpoint, timeout: 20_000 }));
});
