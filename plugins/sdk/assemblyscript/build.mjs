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
  const names = code.matchAll(/\b(?:function|const|let|var)\s+(on[A-Z]\w*)|\bas\s+(on[A-Z]\w*)/g);
  return [...names].map(([, one, other]) => one ?? other);
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

/** The start and the end of the code, within its section. */
function codeOf(bytes) {
  for (let at = 8; at < bytes.length;) {
    const [size, start] = read(bytes, at + 1);
    if (bytes[at] === 10) return [start, start + size];
    at = start + size;
  }
  throw 'the compiler left no code';
}

/** The places of a source map: the byte of the module, the source's number, and the line from 0. */
function places(mappings) {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const sums = [0, 0, 0, 0];
  return mappings.split(',').flatMap((segment) => {
    let field = 0, value = 0, shift = 0;
    for (const letter of segment) {
      const bits = letters.indexOf(letter);
      value += (bits & 31) << shift;
      shift += 5;
      if (bits < 32) {
        sums[field++] += value & 1 ? -(value >> 1) : value >> 1;
        value = shift = 0;
      }
    }
    return field < 4 ? [] : [{ at: sums[0], source: sums[1], line: sums[2] }];
  });
}

/**
 * The lines of a source map as the debug information that the host reads: DWARF 4, one unit with its table of lines. The
 * compiler writes source maps alone, and a trap would then show functions without their lines.
 */
function dwarf(map, [start, end]) {
  const text = (words) => Buffer.from(`${words}\0`);
  const u32 = (value) => new Uint8Array(Uint32Array.of(value).buffer);
  const sized = (body) => Buffer.concat([u32(body.length), body]);
  const custom = (name, body) => section(0, Buffer.concat([number(name.length), Buffer.from(name), body]));
  // A unit (17) with a name (3), its table of lines (16), the start (17) and the size (18) of its code.
  const forms = Buffer.from([1, 17, 0, 3, 8, 16, 23, 17, 1, 18, 6, 0, 0, 0]);
  const head = Buffer.from([4, 0, 0, 0, 0, 0, 4, 1]); // Version 4, the forms above, addresses of 4 bytes, the unit.
  const unit = Buffer.concat([head, text('plugin.ts'), u32(0), u32(0), u32(end - start)]);
  // Steps of a byte, rows are statements, and how many operands each of the 12 operations has.
  const rules = Buffer.from([1, 1, 1, 251, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1]);
  const files = map.sources.flatMap((source) => [text(source), Buffer.from([0, 0, 0])]);
  const about = sized(Buffer.concat([rules, Buffer.from([0]), ...files, Buffer.from([0])]));
  const rows = [Buffer.from([0, 5, 2, 0, 0, 0, 0])];
  let at = start, line = 1;
  for (const place of places(map.mappings).filter((place) => place.at >= start && place.at < end)) {
    const next = place.line + 1;
    rows.push([2, ...number(place.at - at), 4, ...number(place.source + 1), 3, ...signed(next - line), 1]);
    [at, line] = [place.at, next];
  }
  rows.push([2, ...number(end - at), 0, 1, 1]); // The end of the code, and of the table.
  const lines = sized(Buffer.concat([Buffer.from([4, 0]), about, ...rows.map((row) => Buffer.from(row))]));
  return Buffer.concat([custom('.debug_abbrev', forms), custom('.debug_info', sized(unit)), custom('.debug_line', lines)]);
}

function signed(value) {
  const bytes = [];
  for (; value < -64 || value > 63; value >>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value & 127];
}

async function main() {
  const names = await phases();
  await mkdir('build', { recursive: true });
  await writeFile('build/entry.ts', entry(names));
  const modules = process.argv[process.argv.indexOf('--modules') + 1 || Infinity] ?? 'node_modules';
  const { main: compile } = await import(pathToFileURL(resolve(modules, 'assemblyscript/dist/asc.js')));
  const isDebug = !process.argv.includes('--release');
  // Not optimized: a library's function that is put into the author's would take the place of the author's line.
  const speed = isDebug ? ['-O0', '--debug', '--sourceMap'] : ['-O3', '--converge'];
  const options = ['build/entry.ts', '-o', 'build/core.wasm', '--runtime', 'incremental', '--use', 'abort=sdk/phasebox/abort'];
  const { error, stderr, stdout } = await compile([...options, ...speed]);
  process.stderr.write(stderr.toString() + stdout.toString());
  if (error) throw error.message;
  const life = Object.entries(EXPORTS).map(([name, own]) => [`export${own}`, name]);
  const all = [...life, ...names.map((name) => [snake(kebab(name)), kebab(name)])];
  const map = Object.fromEntries(all.map(([own, name]) => [own, `local:plugin/callback#${name}`]));
  const bytes = await readFile('build/core.wasm');
  const lines = isDebug ? dwarf(JSON.parse(await readFile('build/core.wasm.map', 'utf8')), codeOf(bytes)) : Buffer.alloc(0);
  await writeFile('build/core.wasm', Buffer.concat([renamed(bytes, map), lines]));
}

await main().catch((reason) => {
  console.error(reason);
  process.exit(1);
});
