// Makes plugin.js or plugin.ts a component: `node sdk/build.mjs [--no-wasi] [--modules DIR]` in the project's folder. DIR is
// where componentize-js is installed (node_modules). Writes build/NAME.wasm, NAME being that of package.json. Types of
// TypeScript are taken out, not checked: `npx tsc` does that.
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const FEATURES = ['stdio', 'random', 'clocks', 'http', 'fetch-event'];
const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The project's own scripts, as paths from its folder. */
async function scripts(folder = '.') {
  const entries = await readdir(folder, { withFileTypes: true });
  const kept = entries.filter(({ name }) => !['node_modules', 'build', 'wit'].includes(name) && !name.startsWith('.'));
  const found = await Promise.all(kept.map((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return scripts(path);
    return /(?<!\.d)\.(js|mjs|ts|mts)$/.test(entry.name) ? [path] : [];
  }));
  return found.flat();
}

/** Copies a script to build/src, without types. */
async function copy(path) {
  const source = await readFile(path, 'utf8');
  const typed = ['.ts', '.mts'].includes(extname(path));
  const target = join('build/src', path).replace(/\.(m?)ts$/, '.$1js');
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, typed ? stripTypeScriptTypes(source) : source);
  return target;
}

/** Phases are methods of the source and functions of the world; one without the other is never called or not found. */
async function check(source) {
  const here = [...source.matchAll(/^\s+(?:async\s+)?(on[A-Z]\w*)\s*\(.*\{\s*$/gm)].map(([, name]) => kebab(name));
  const files = (await readdir('wit')).filter((name) => name.endsWith('.wit'));
  const worlds = await Promise.all(files.map((name) => readFile(join('wit', name), 'utf8')));
  const wanted = [...worlds.join('\n').matchAll(/^\s*(on-[\w-]+): func/gm)].map(([, name]) => name);
  const extra = here.filter((name) => !wanted.includes(name));
  const missing = wanted.filter((name) => !here.includes(name));
  if (extra.length) throw `the world in wit/ does not export ${extra.join(', ')}: the method would never be called`;
  if (missing.length) throw `the world in wit/ exports ${missing.join(', ')}, for which the source has no method`;
}

function option(name) {
  const place = process.argv.indexOf(name);
  return place < 0 ? undefined : process.argv[place + 1];
}

async function main() {
  await rm('build/src', { recursive: true, force: true });
  const copies = await Promise.all((await scripts()).map(copy));
  const source = copies.find((path) => /build[\\/]src[\\/]plugin\.m?js$/.test(path));
  if (!source) throw 'there is no plugin.js and no plugin.ts';
  await check(await readFile(source, 'utf8'));
  const compiler = resolve(option('--modules') ?? 'node_modules', '@bytecodealliance/componentize-js/src/componentize.js');
  const { componentize } = await import(pathToFileURL(compiler));
  const disableFeatures = process.argv.includes('--no-wasi') ? FEATURES : ['http', 'fetch-event'];
  const { component } = await componentize({ sourcePath: source, witPath: resolve('wit'), worldName: 'plugin', disableFeatures });
  const { name } = JSON.parse(await readFile('package.json', 'utf8'));
  await writeFile(join('build', `${name}.wasm`), component);
}

await main().catch((reason) => {
  console.error(reason);
  process.exit(1);
});
