import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** An entry point of the built package in a program that uses all of it, minified by esbuild. */
export async function bundledText(name: string): Promise<string> {
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
  return outputFiles[0]?.text ?? '';
}

/** What it weighs, in bytes. */
export async function bundleSize(name: string): Promise<{ minified: number; gzipped: number }> {
  const code = Buffer.from(await bundledText(name));
  return { minified: code.length, gzipped: gzipSync(code, { level: 9 }).length };
}
