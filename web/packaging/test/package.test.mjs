/**
 * What is in the tarball, what its metadata promises, and what importing it does.
 */

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { app, install, run, tool, WORK } from './support/install.mjs';

let installed;
before(async () => {
  installed = await install();
});

test('the tarball has the code, the modules, the maps with their sources, and the licences', async () => {
  const names = (await run('tar', ['tzf', installed.tarball])).trim().split('\n').sort();
  for (const name of [
    ...['LICENSE-APACHE', 'LICENSE-MIT', 'LICENSE-THIRD-PARTY', 'README.md', 'package.json'],
    ...['ranker', 'verifier', 'encoder'].flatMap((name) => [
      `wasm/${name}.wasm`,
      `wasm/${name}.js`,
    ]),
  ]) {
    assert.ok(names.includes(`package/${name}`), `${name} is missing`);
  }
  for (const name of names.filter((name) => /^package\/dist\/.*\.js$/.test(name))) {
    for (const also of ['.map', '']) assert.ok(names.includes(name + also), name + also);
    const map = JSON.parse(
      await readFile(
        join(installed.folder, '..', name.replace('package', 'vitrine') + '.map'),
        'utf8',
      ),
    );
    for (const [at, path] of map.sources.entries()) {
      const source = join(name, '..', path);
      assert.ok(map.sourcesContent?.[at] ?? names.includes(source), `${source} is missing`);
    }
  }
  assert.deepEqual(
    names.filter(
      (name) => !/^package\/(dist|src|wasm)\/|^package\/[A-Z]|package\.json$/.test(name),
    ),
    [],
  );
});

test('the notices name what is bundled', async () => {
  const notices = await readFile(join(installed.folder, 'LICENSE-THIRD-PARTY'), 'utf8');
  for (const name of ['@hpke/core', '@hpke/common', 'sha2']) {
    assert.match(notices, new RegExp(`^${name} [0-9.]+ \\(.*MIT.*\\)$`, 'm'));
  }
});

test('publint finds nothing', async () => {
  const { messages, pkg } = await publint({ pkgDir: installed.folder, pack: false });
  assert.deepEqual(
    messages.map((message) => formatMessage(message, pkg, { color: false })),
    [],
  );
});

test('attw finds nothing', async () => {
  await tool('@arethetypeswrong/cli/dist/index.js', [
    ...[installed.tarball, '--profile', 'esm-only', '--no-emoji'],
    // Not code: names for a bundler's `?url`.
    ...['--exclude-entrypoints', './ranker.wasm', './verifier.wasm', './encoder.wasm'],
  ]);
});

test('in a strict project the types take what shops have, and no mistakes', async () => {
  const folder = await app('types');
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess'];
  const target = ['--target', 'es2022', '--lib', 'es2022,dom,dom.iterable,esnext.disposable'];
  const how = ['--noEmit', '--skipLibCheck', 'false', '--module', 'nodenext'];
  const files = ['events.ts', 'lists.ts'];
  await tool('typescript/bin/tsc', [...strict, ...target, ...how, ...files], { cwd: folder });
});

test('importing in Node does nothing, and the process ends', async () => {
  const script = `
    const nothing = (name) => () => { throw new Error(name + ' was called'); };
    for (const name of ['fetch', 'setTimeout', 'setInterval', 'queueMicrotask', 'Worker']) {
      globalThis[name] = nothing(name);
    }
    // Vue itself adds globals.
    await import('vue');
    const before = Object.keys(globalThis).join();
    const { createVitrine } = await import('vitrine');
    const { defineVitrineShelf } = await import('vitrine/element');
    const react = await import('vitrine/react');
    const vue = await import('vitrine/vue');
    await import('vitrine/testing');
    await import('vitrine/worker');
    const vitrine = createVitrine({ endpoint: 'https://shop.example', consent: 'granted' });
    vitrine.track('Product Viewed', { product_id: 'a' });
    defineVitrineShelf(vitrine);
    const { items, reason } = await vitrine.rank(['b', 'a']);
    if (Object.keys(globalThis).join() !== before) throw new Error('a global was added');
    console.log(items.join(), reason, Object.keys(react).join(), Object.keys(vue).join());
  `;
  const said = await run(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: WORK,
    timeout: 20_000,
  });
  assert.equal(
    said,
    'b,a server VitrineProvider,useRanked,useRecommended,useVitrine VitrinePlugin,provideVitrine,useRanked,useRecommended,useVitrine\n',
  );
});

test('what is not used is not bundled', async () => {
  const { build } = await import('esbuild');
  const bundle = async (contents) => {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: WORK },
      ...{
        bundle: true,
        write: false,
        format: 'esm',
        external: ['react', 'vue'],
        logLevel: 'error',
      },
    });
    return outputFiles[0].text;
  };
  assert.equal(
    (await bundle(`import 'vitrine'; import 'vitrine/element'; import 'vitrine/testing';`)).trim(),
    '',
  );
  const worker = await bundle(`import 'vitrine/worker';`);
  assert.match(worker, /WorkerGlobalScope/, 'the worker is for its effect');
});

test('the reference is made from the types without a warning', async () => {
  await tool(
    'typedoc/bin/typedoc',
    ['--options', 'typedoc.json', '--out', join(WORK, 'reference')],
    {
      cwd: join(WORK, '..'),
    },
  );
  const functions = await readdir(join(WORK, 'reference/functions'));
  assert.deepEqual(functions.sort(), [
    'element.defineVitrineShelf.html',
    'index.createVitrine.html',
    'react.VitrineProvider.html',
    'react.useRanked.html',
    'react.useRecommended.html',
    'react.useVitrine.html',
    'testing.createVitrine.html',
    'testing.stubVitrine.html',
    'vue.provideVitrine.html',
    'vue.useRanked.html',
    'vue.useRecommended.html',
    'vue.useVitrine.html',
  ]);
});

test('the recipes show the code that is tested', async () => {
  const root = new URL('../../../', import.meta.url);
  const recipes = new URL('docs/recipes/', root);
  let shown = 0;
  for (const name of await readdir(recipes)) {
    const recipe = await readFile(new URL(name, recipes), 'utf8');
    for (const [, path, code] of recipe.matchAll(/<!-- (web\/\S+) -->\n\n```\w+\n(.*?)```/gs)) {
      assert.equal(code, await readFile(new URL(path, root), 'utf8'), `${name}: ${path}`);
      shown += 1;
    }
  }
  assert.ok(shown >= 6, `${shown} files are shown`);
});
