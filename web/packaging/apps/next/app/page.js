import { Listing } from './listing.js';

export const dynamic = 'force-dynamic';

/** A server component: it knows the products, and not the visitor. */
export default async function Page() {
  const answer = await fetch(`${process.env.NEXT_PUBLIC_VITRINE}/catalogue.json`);
  const { items } = await answer.json();
  return <Listing products={items.map(({ id, title }) => ({ id, title }))} />;
}
