// JSR takes what npm gets, with two differences: each module says where its types are, and types name files, not modules.
// The version is package.json's, given to `deno publish --set-version`.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Writes the built package in `from` into the new folder `to`, ready for `deno publish`. */
export function stageForJsr(from, to) {
  const { exports } = JSON.parse(readFileSync(join(from, 'jsr.json'), 'utf8'));
  mkdirSync(join(to, 'dist'), { recursive: true });
  for (const file of ['jsr.json', 'README.md', 'LICENSE']) cpSync(join(from, file), join(to, file));
  const entries = new Set(Object.values(exports).map((path) => basename(path)));
  for (const file of readdirSync(join(from, 'dist')).filter((name) => /\.(js|d\.ts)$/.test(name))) {
    const text = readFileSync(join(from, 'dist', file), 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, '');
    writeFileSync(
      join(to, 'dist', file),
      file.endsWith('.d.ts') ? namingFiles(text) : namingTypes(text, file, entries),
    );
  }
}

const namingFiles = (types) => types.replace(/(from|import\()\s*(["'])(\.\/[^"']+)\.js\2/g, '$1 $2$3.d.ts$2');

const namingTypes = (code, file, entries) =>
  entries.has(file) ? `/* @ts-self-types="./${file.replace(/js$/, 'd.ts')}" */\n${code}` : code;
