/**
 * A page in a browser, and whatever untoward it says.
 *
 * @module
 */

/** Opens a page; `faults` gets its errors, on the console too, and `warnings` its warnings. */
export async function opened(t, browser, url) {
  const page = await browser.newPage();
  const faults = [];
  const warnings = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    // The pages have no icon, and a browser asks for one.
    if (message.location().url.endsWith('/favicon.ico')) return;
    if (message.type() === 'error') faults.push(message.text());
    if (message.type() === 'warning') warnings.push(message.text());
  });
  t.after(() => page.close());
  await page.goto(url);
  return { page, faults, warnings };
}
