// The suite as a function, for runtimes that evaluate a script.
import { runSuite } from './suite.ts';

Object.assign(globalThis, { runSuite });
