import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

/** Imports every entry where the language is all there is, and uses what a server uses. */
const SCRIPT = `
  import { readFile } from 'node:fs/promises';
  import vm from 'node:vm';
  const context = vm.createContext(Object.create(null));
  vm.runInContext('delete globalThis.WebAssembly', context);
  const before = vm.runInContext('Object.keys(globalThis).join()', context);
  const peers = { react: ['createContext', 'createElement', 'useContext', 'useEffect', 'useMemo', 'useState'],
    vue: ['computed', 'getCurrentInstance', 'hasInjectionContext', 'inject', 'onMounted', 'provide', 'shallowRef', 'toValue', 'watch'] };
  const link = (name) => {
    const names = peers[name];
    return new vm.SyntheticModule(names, function () {
      for (const one of names) this.setExport(one, () => ({}));
    }, { context });
  };
  for (const name of ['index', 'react', 'vue', 'element', 'testing']) {
    const source = await readFile(new URL('dist/' + name + '.js', ROOT), 'utf8');
    const module = new vm.SourceTextModule(source, { context, identifier: name });
    await module.link(link);
    await module.evaluate();
    const { createVitrine, defineVitrineShelf } = module.namespace;
    // Every server has these.
    Object.assign(context, { AbortController, setTimeout, clearTimeout });
    defineVitrineShelf?.(undefined);
    const ranking = await createVitrine?.().rank(['b', 'a']);
    for (const name of ['AbortController', 'setTimeout', 'clearTimeout']) delete context[name];
    console.log(name, ranking?.status, ranking?.reason, ranking?.items.join());
  }
  if (vm.runInContext('Object.keys(globalThis).join()', context) !== before) throw new Error('a global was added');
`;

test('importing needs nothing but the language: no TextDecoder, no URL, no WebAssembly', () => {
  const root = JSON.stringify(new URL('../', import.meta.url).href);
  const run = spawnSync(
    process.execPath,
    [
      ...['--experimental-vm-modules', '--no-warnings', '--input-type=module'],
      ...['--eval', `const ROOT = ${root};${SCRIPT}`],
    ],
    { encoding: 'utf8', timeout: 20_000 },
  );
  assert.equal(run.stderr, '');
  assert.deepEqual(run.stdout.trim().split('\n'), [
    'index fallback server b,a',
    'react undefined undefined undefined',
    'vue undefined undefined undefined',
    'element undefined undefined undefined',
    'testing ranked undefined b,a',
  ]);
});
