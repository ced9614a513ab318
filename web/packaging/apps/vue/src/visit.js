import { defineStore } from 'pinia';

/** A store may hold the instance: it is left as it is, and works behind any proxy. */
export const useVisit = defineStore('visit', {
  state: () => ({ vitrine: undefined, viewed: [] }),
  actions: {
    begin(vitrine) {
      this.vitrine = vitrine;
    },
    view(item) {
      this.viewed.push(item);
      this.vitrine?.track({ item });
    },
  },
});
