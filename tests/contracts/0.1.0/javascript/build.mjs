// Builds plugin.js: `node tests/languages/javascript/build.mjs NODE_MODULES tests/languages OUT.wasm`, in the
// repository's root, since imports outside the working folder are not found. NODE_MODULES is the folder that
// componentize-js was installed to. All WASI features are off: the component imports phasebox:train alone.
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, examples, out] = process.argv.slice(2);
const compiler = resolve(modules, '@bytecodealliance/componentize-js/src/componentize.js');
const { componentize } = await import(pathToFileURL(compiler).href);

const { component } = await componentize({
  sourcePath: resolve(examples, 'javascript/plugin.js'),
  witPath: resolve(examples, 'wit'),
  worldName: 'plugin',
  disableFeatures: ['stdio', 'random', 'clocks', 'http', 'fetch-event'],
});
await writeFile(out, component);
