// Compiles plugin.ts to a core module: `node sdk/build.mjs [--release] [--modules DIR]` in the project's folder. DIR is
// where assemblyscript is installed (node_modules). Writes build/core.wasm; its exports have the contract's names.
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const EXPORTS = { describe: 'Describe', configure: 'Configure', 'save-state': 'SaveState', 'load-state': 'LoadState' };
const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const snake = (name) => name.replaceAll('-', '_');

/** The phases that the source has functions for. They must be those of the world. */
async function phases() {
  const source = await readFile('plugin.ts', 'utf8');
  const here = [...source.matchAll(/^export function (on[A-Z]\w*)/gm)].map(([, name]) => name);
  const files = (await readdir('wit')).filter((name) => name.endsWith('.wit'));
  const worlds = await Promise.all(files.map((name) => readFile(join('wit', name), 'utf8')));
  const wanted = [...worlds.join('\n').matchAll(/^\s*(on-[\w-]+): func/gm)].map(([, name]) => name);
  const extra = here.filter((name) => !wanted.includes(kebab(name)));
  const missing = wanted.filter((name) => !here.map(kebab).includes(name));
  if (extra.length) throw `plugin.ts has ${extra.join(', ')}, which the world in wit/ does not export: it would never be called`;
  if (missing.length) throw `the world in wit/ exports ${missing.join(', ')}, for which plugin.ts has no function`;
  const contract = await readFile('wit/deps/phasebox-train/callback.wit', 'utf8');
  const silent = named(source).find((name) => !here.includes(name) && contract.includes(`\n    ${kebab(name)}: func`));
  if (silent) {
    throw `plugin.ts names ${silent}, a phase, and would never be called there: at the beginning of a line, write
  export function ${silent}(ctx: PhaseContext): Failure | null {`;
  }
  return here;
}

/** What the source names like a phase, exported or not, in any manner of writing; comments aside. */
function named(source) {
  const code = source.replace(/\/\*[^]*?\*\/|\/\/.*/g, '');
  return [...code.matchAll(/\b(?:function|const|let|var)\s+(on[A-Z]\w*)|\bas\s+(on[A-Z]\w*)/g)].map(([, one, other]) => one ?? other);
}

/** A file that exports the phases under names that AssemblyScript allows. */
function entry(names) {
  const life = Object.values(EXPORTS).map((name) => `export { export${name} } from "../sdk/phasebox";`);
  const calls = names.map((name) => `export function ${snake(kebab(name))}(ctx: i32): usize {
  return finish(plugin.${name}(new PhaseContext(ctx)), ctx);
}`);
  return ['import * as plugin from "../plugin";', 'import { PhaseContext, finish } from "../sdk/phasebox";',
    'export { cabi_realloc } from "../sdk/phasebox";', ...life, ...calls, ''].join('\n');
}

/** The module with its exports under other names. */
function renamed(bytes, names) {
  const parts = [bytes.subarray(0, 8)];
  for (let at = 8; at < bytes.length;) {
    const [size, start] = read(bytes, at + 1);
    const body = bytes.subarray(start, start + size);
    parts.push(bytes[at] === 7 ? section(7, exported(body, names)) : bytes.subarray(at, start + size));
    at = start + size;
  }
  return Buffer.concat(parts);
}

function exported(body, names) {
  let [count, at] = read(body, 0);
  const parts = [number(count)];
  while (count-- > 0) {
    const [length, start] = read(body, at);
    const name = body.subarray(start, start + length).toString();
    const [, end] = read(body, start + length + 1);
    const shown = Buffer.from(names[name] ?? name);
    parts.push(number(shown.length), shown, body.subarray(start + length, end));
    at = end;
  }
  return Buffer.concat(parts);
}

function read(bytes, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return [value, at];
  }
}

function number(value) {
  const bytes = [];
  do bytes.push((value & 127) | (value > 127 ? 128 : 0)); while ((value = Math.floor(value / 128)) > 0);
  return Buffer.from(bytes);
}

const section = (id, body) => Buffer.concat([Buffer.from([id]), number(body.length), body]);

async function main() {
  const names = await phases();
  await mkdir('build', { recursive: true });
  await writeFile('build/entry.ts', entry(names));
  const modules = process.argv[process.argv.indexOf('--modules') + 1 || Infinity] ?? 'node_modules';
  const { main: compile } = await import(pathToFileURL(resolve(modules, 'assemblyscript/dist/asc.js')));
  const speed = process.argv.includes('--release') ? ['-O3', '--converge'] : ['-O1', '--debug'];
  const options = ['build/entry.ts', '-o', 'build/core.wasm', '--runtime', 'incremental', '--use', 'abort=sdk/phasebox/abort'];
  const { error, stderr, stdout } = await compile([...options, ...speed]);
  process.stderr.write(stderr.toString() + stdout.toString());
  if (error) throw error.message;
  const life = Object.entries(EXPORTS).map(([name, own]) => [`export${own}`, name]);
  const all = [...life, ...names.map((name) => [snake(kebab(name)), kebab(name)])];
  const map = Object.fromEntries(all.map(([own, name]) => [own, `local:plugin/callback#${name}`]));
  await writeFile('build/core.wasm', renamed(await readFile('build/core.wasm'), map));
}

await main().catch((reason) => {
  console.error(reason);
  process.exit(1);
});
