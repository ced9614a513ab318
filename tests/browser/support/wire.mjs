/**
 * What a network between shopper and shop sees of Vitrine, over many scripted visits.
 *
 * Each visit is a browser profile of its own whose page is full of canaries: strings that stand
 * for what must never leave, in cookies, storage, the address, the referring page, the payloads of
 * the shop's own analytics, and the items looked at before consent. The server's side of every
 * request is kept, so nothing that the browser adds later escapes.
 *
 * @module
 */

import { stage } from './stage.mjs';

const PAGE = '<!doctype html><title>a page</title><script type="module" src="/page.js"></script>';
const SCRIPT = `import { createVitrine } from '/vitrine/dist/index.js';
window.vitrine = createVitrine({ timeout: 20_000, reportDelay: [0, 20], encoder: false });
`;
/** Headers of a report that every browser sends, the same for every visitor. */
const CONSTANT = [
  ...['accept', 'accept-encoding', 'accept-language', 'cache-control', 'connection'],
  ...['content-type', 'host', 'pragma'],
  ...['origin', 'sec-ch-ua', 'sec-ch-ua-mobile', 'sec-ch-ua-platform', 'sec-fetch-dest'],
  ...['sec-fetch-mode', 'sec-fetch-site', 'user-agent'],
];

/** Strings of one visit, by where they are planted. */
function canariesOf(visit) {
  const named = (kind, count) =>
    Array.from({ length: count }, (_, number) => `canary-${kind}-${visit}-${number}`);
  return {
    cookies: named('cookie', 8),
    local: named('local', 8),
    session: named('session', 8),
    address: named('address', 8),
    payload: named('payload', 14),
    before: named('before', 6),
  };
}

/**
 * Scripts `visits` visits of items among `ids`; resolves to what was seen and what was wrong with
 * it. `t` ends the server.
 */
export async function watchTheWire(t, browser, { visits, ids, pages = 3, note = () => {} }) {
  const { url, requests } = await stage(t, { pages: { '/page': PAGE, '/page.js': SCRIPT } });
  const canaries = [];
  let next = 0;
  let sent = 0;
  const visitor = async () => {
    while (next < visits) {
      const visit = next;
      next += 1;
      const planted = canariesOf(visit);
      canaries.push(...Object.values(planted).flat());
      const reports = await oneVisit(browser, url, visit, planted, ids);
      sent += reports;
      if ((visit + 1) % 50 === 0) note(`${visit + 1} visits`);
    }
  };
  await Promise.all(Array.from({ length: pages }, visitor));
  return { ...judge(requests, canaries, sent), perVisit: Object.values(canariesOf(0)).flat().length };
}

async function oneVisit(browser, url, visit, planted, ids) {
  const context = await browser.newContext();
  await context.addCookies(planted.cookies.map((value, at) => ({ name: `c${at}`, value, url })));
  const page = await context.newPage();
  const query = planted.address.map((value, at) => `q${at}=${value}`).join('&');
  // The page before this one, so that there is a referrer to tell.
  await page.goto(`${url}/page?from&${query}`);
  await page.evaluate(({ local, session }) => {
    local.forEach((value, at) => localStorage.setItem(`l${at}`, value));
    session.forEach((value, at) => sessionStorage.setItem(`s${at}`, value));
  }, planted);
  await page.evaluate((address) => location.assign(address), `${url}/page?${query}#${query}`);
  await page.waitForURL((address) => address.hash !== '');
  await page.waitForFunction(() => window.vitrine);
  const looked = Array.from({ length: 6 }, (_, step) => ids[(visit * 7 + step * 5) % ids.length]);
  const reports = await page.evaluate(visitOf, { planted, looked });
  await context.close();
  return reports;
}

/** One visit, in the page; resolves to the number of reports that were sent. */
async function visitOf({ planted, looked }) {
  const { vitrine } = window;
  await vitrine.ready;
  for (const item of planted.before) vitrine.track({ item });
  await vitrine.recommend({ n: 10 });
  vitrine.consent({ ranking: 'granted', upload: 'granted' });
  const [name, email, phone, ...more] = planted.payload;
  for (const item of looked) {
    await vitrine.recommend({ n: 10 });
    // As a Shopify pixel gives it: the item, and much that is nobody's business.
    vitrine.track({
      id: more[0],
      clientId: more[1],
      name: 'product_viewed',
      timestamp: '2026-01-01T00:00:00Z',
      context: { document: { referrer: more[2], title: more[3] }, navigator: { userAgent: more[4] } },
      customer: { firstName: name, email, phone },
      data: {
        checkout: { token: more[5], order: { id: more[6] } },
        productVariant: {
          id: more[7],
          title: more[8],
          sku: more[9],
          product: { id: item, title: more[10], vendor: 'vendor' },
        },
      },
    });
  }
  for (let turn = 0; turn < 600; turn += 1) {
    const { reports, budget } = await vitrine.inspect();
    const spent = Object.values(budget.spent).reduce((a, b) => a + b, 0);
    const sent = reports.filter(({ state }) => state === 'sent').length;
    if (spent > 0 && sent === spent) return sent;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`not all reports were sent: ${JSON.stringify(await vitrine.inspect())}`);
}

/** What is wrong with the requests that Vitrine makes. */
function judge(requests, canaries, sent) {
  const faults = new Set();
  const ours = requests.filter(
    ({ path }) => path === '/manifest.json' || path.startsWith('/bundles/') || path.startsWith('/v1/'),
  );
  const found = /canary-[a-z]+-\d+-\d+/g;
  for (const request of ours) {
    for (const [canary] of JSON.stringify(request).matchAll(found)) {
      faults.add(`${request.method} ${request.path} tells ${canary}`);
    }
    for (const name of ['cookie', 'referer', 'authorization']) {
      if (request.headers[name] !== undefined) faults.add(`${request.path} has ${name}`);
    }
  }
  const reports = ours.filter(({ method }) => method === 'POST');
  if (reports.length !== sent) faults.add(`${reports.length} requests for ${sent} reports`);
  const nonces = new Set();
  const constant = new Map();
  for (const { body, headers } of reports) {
    const { nonce, window, cell, ...rest } = JSON.parse(body);
    if (Object.keys(rest).length > 0) faults.add(`a report has ${Object.keys(rest)}`);
    if (nonces.has(nonce)) faults.add('a nonce came twice');
    nonces.add(nonce);
    if (cell === undefined) faults.add('a report without a cell');
    // Of two values one would tell visitors apart.
    const same = (name, value) => {
      if (constant.has(name) && constant.get(name) !== value) faults.add(`${name} varies`);
      constant.set(name, value);
    };
    same('window', JSON.stringify(window));
    for (const [name, value] of Object.entries(headers)) {
      if (name === 'content-length') continue;
      if (!CONSTANT.includes(name)) faults.add(`a report has the header ${name}`);
      same(name, value);
    }
  }
  return {
    requests: ours.length,
    reports: reports.length,
    canaries: canaries.length,
    constants: [...constant.keys()].sort(),
    faults: [...faults],
  };
}
