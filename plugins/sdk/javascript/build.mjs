// Makes plugin.js or plugin.ts a component: `node sdk/build.mjs [--no-wasi] [--modules DIR]` in the project's folder. DIR is
// where componentize-js is installed (node_modules). Writes build/NAME.wasm, NAME being that of package.json. Types of
// TypeScript are taken out, not checked: `npx tsc` does that. A mistake of the author is thrown as a text, without a stack.
import { spawn } from 'node:child_process';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const FEATURES = ['stdio', 'random', 'clocks', 'http', 'fetch-event'];
/** A name that no script of the project has. */
const ENTRY = '.entry.js';
const camel = (name) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());

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
  const script = typed ? untyped(path, source) : source;
  if (dirname(path) !== 'sdk') await parse(path, script);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, script);
  return target;
}

function untyped(path, source) {
  try {
    return stripTypeScriptTypes(source);
  } catch (error) {
    throw wrong(path, error.stack); // It begins with the line's number.
  }
}

/** Parses a script as a module: the compiler says neither the file nor the line of what it cannot parse. */
async function parse(path, script) {
  const node = spawn(process.execPath, ['--check', '--input-type=module', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
  node.stdin.on('error', () => {}).end(script);
  const said = await node.stderr.toArray();
  if (said.length) throw wrong(path, Buffer.concat(said).toString().replace(/^[^]*?\[stdin\]/, ''));
}

/** The words of Node.js about a syntax error, without its own stack. */
const wrong = (path, said) => path + said.split(/\n+ {4}at |\n\nNode\.js/)[0].replace(/ \[ERR_\w+\]/, '');

/** Writes the script that the component starts with: the callback, once it has the phases of the world. */
async function entry(source) {
  const files = (await readdir('wit')).filter((name) => name.endsWith('.wit'));
  const worlds = await Promise.all(files.map((name) => readFile(join('wit', name), 'utf8')));
  const phases = [...worlds.join('\n').matchAll(/^\s*(on-[\w-]+): func/gm)].map(([, name]) => camel(name));
  const target = join('build/src', ENTRY);
  await writeFile(target, `import * as plugin from './${basename(source)}';
import { held } from './sdk/phasebox.mjs';
export const callback = held(plugin.callback, ${JSON.stringify(phases)});
`);
  return target;
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
  const compiler = resolve(option('--modules') ?? 'node_modules', '@bytecodealliance/componentize-js/src/componentize.js');
  const { componentize } = await import(pathToFileURL(compiler));
  const disableFeatures = process.argv.includes('--no-wasi') ? FEATURES : ['http', 'fetch-event'];
  const wishes = { sourcePath: await entry(source), witPath: resolve('wit'), worldName: 'plugin', disableFeatures };
  const { component } = await componentize(wishes).catch((error) => {
    throw evaluated(error.message) ?? error;
  });
  const { name } = JSON.parse(await readFile('package.json', 'utf8'));
  await writeFile(join('build', `${name}.wasm`), component);
}

/** What a script threw while the component was made, if that is why there is none, without the words of the engine. */
function evaluated(message) {
  const found = message.match(/\nException while evaluating top-level script\n([^]*?)(\nAdditionally, some promises|$)/);
  return found?.[1]?.replace(/^build\/src\/sdk\/phasebox\.mjs:[\d:]+ (Error: )?/gm, '').replace(/^build\/src\//gm, '');
}

await main().catch((reason) => {
  console.error(reason);
  process.exit(1);
});
