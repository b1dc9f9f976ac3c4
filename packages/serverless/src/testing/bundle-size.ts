import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** What an entry point of the built package weighs in a program that uses all of it, minified by esbuild, in bytes. */
export async function bundleSize(name: string): Promise<{ minified: number; gzipped: number }> {
  const { outputFiles } = await build({
    entryPoints: [new URL(`../../dist/${name}.js`, import.meta.url).pathname],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  });
  const code = outputFiles[0]?.contents ?? new Uint8Array();
  return { minified: code.length, gzipped: gzipSync(code, { level: 9 }).length };
}
