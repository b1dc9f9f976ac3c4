#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';

// Most of the time is the kernel's, and ten thousand idle callers should not cost memory that a collection would give back.
setFlagsFromString('--optimize-for-size');

let program;
try {
  program = await import('../dist/main.js');
} catch (error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND' || !String(error.message).includes('dist/main.js')) throw error;
  console.error('postern: not built yet; run "npm start" or "npm run build" in the repository first');
  process.exit(1);
}
process.exit(await program.main());
