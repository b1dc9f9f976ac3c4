// The program as a function of the global object.
import { runOperations } from './edge-program.ts';

Object.assign(globalThis, { runOperations });
