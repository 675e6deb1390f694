// Builds probe.js: `node tests/wasi/javascript/build.mjs NODE_MODULES tests/wasi OUT.wasm`, in the repository's root.
// No feature is off.
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, probes, out] = process.argv.slice(2);
const compiler = resolve(modules, '@bytecodealliance/componentize-js/src/componentize.js');
const { componentize } = await import(pathToFileURL(compiler).href);

const { component } = await componentize({
  sourcePath: resolve(probes, 'javascript/probe.js'),
  witPath: resolve(probes, 'wit'),
  worldName: 'probe',
});
await writeFile(out, component);
