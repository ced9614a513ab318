export async function load({ fetch }) {
  const { items } = await (await fetch(`${import.meta.env.VITE_VITRINE}/catalogue.json`)).json();
  return { products: items };
}
