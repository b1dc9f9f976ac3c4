// The suite as a program, for runtimes that are started with a file: the URL is the last argument, the outcomes the last line.
import { runSuite } from './suite.ts';

const { process } = globalThis as unknown as { process: { argv: string[]; exit(code: number): void } };
console.log(JSON.stringify(await runSuite(process.argv.at(-1) ?? '')));
process.exit(0);
