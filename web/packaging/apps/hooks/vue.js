import { createApp, h, ref, watchEffect } from 'vue';
import { createVitrine } from 'vitrine';
import { provideVitrine, useRanked, useRecommended, useVitrine, VitrinePlugin } from 'vitrine/vue';
import { CASES, NUMBERS, told } from './cases.js';

const vitrine = createVitrine({ timeout: 20_000, wasmUrl: '/wasm', worker: false });
window.vitrine = vitrine;
window.lists = {};

const keep = (name, { items, status, reason }) =>
  watchEffect(() => {
    const list = { items: items.value, status: status.value, reason: reason.value };
    Object.assign(window.lists, Object.fromEntries([told(name, list)]));
  });

const Lists = {
  setup() {
    for (const [name, [items, options]] of Object.entries(CASES)) {
      keep(name, useRanked(items, options));
    }
    // As with data that is fetched: there, gone while it is fetched again, and there.
    const late = ref();
    window.deliver = (items) => (late.value = items);
    keep('late', useRanked(late));
    keep(
      'shelf',
      useRecommended(() => ({ n: 3, exclude: [NUMBERS[0]] })),
    );
    keep('shelf without options', useRecommended(null));
    return () => h('p', 'drawn');
  },
};

const Making = {
  setup() {
    keep('instance is being made', useRanked(NUMBERS));
    return () => null;
  },
};

const Unmade = {
  setup() {
    provideVitrine(undefined);
    return () => h(Making);
  },
};

const Outside = {
  setup() {
    window.outside = useVitrine();
    keep('outside', useRanked(NUMBERS));
    keep('outside shelf', useRecommended());
    return () => null;
  },
};

createApp({ render: () => [h(Lists), h(Unmade)] })
  .use(VitrinePlugin, vitrine)
  .mount('#root');
createApp({ render: () => [h(Outside), h(Outside)] }).mount(document.createElement('div'));
