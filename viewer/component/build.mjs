// Builds the one bundle of the component and the hash of what it was built from.
//   node build.mjs [--out DIR]     (default: twin_view/)
// The hash covers the sources, the lock file, and this script: a page can then assert that the bundle
// it runs is the one whose sources lie beside it (an old copy may be served from another path entry).
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const flag = process.argv.indexOf('--out');
const out = flag > 0 ? resolve(process.argv[flag + 1]) : join(here, 'twin_view');

const sources = (await readdir(join(here, 'src'))).filter((f) => f.endsWith('.ts')).map((f) => `src/${f}`);
const hashed = ['build.mjs', 'package-lock.json', 'package.json', 'tsconfig.json', ...sources].sort();
const sha = createHash('sha256');
for (const name of hashed) {
  sha.update(`${name}\n`);
  sha.update(await readFile(join(here, name)));
}
const hash = sha.digest('hex');

await mkdir(out, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: ['src/component.ts'],
  outfile: join(out, 'twin_view.min.js'),
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  charset: 'utf8',
  legalComments: 'none',
  banner: { js: '/*! osaka-twin TwinView. Licences of the parts: see viewer/component/NOTICE. */' },
  define: { __BUILD__: JSON.stringify(hash) },
  logLevel: 'warning',
});
await writeFile(join(out, 'build.json'), `${JSON.stringify({ build: hash, sources: hashed }, null, 2)}\n`);
