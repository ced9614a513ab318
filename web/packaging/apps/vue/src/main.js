import { createPinia } from 'pinia';
import { createVitrine } from 'vitrine';
import { VitrinePlugin } from 'vitrine/vue';
import { createApp } from 'vue';
import App from './App.vue';

const vitrine = createVitrine({ endpoint: import.meta.env.VITE_VITRINE, timeout: 20_000 });

createApp(App).use(createPinia()).use(VitrinePlugin, vitrine).mount('#app');
