#!/usr/bin/env node
let program;
try {
  program = await import('../dist/main.js');
} catch (error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND' || !String(error.message).includes('dist/main.js')) throw error;
  console.error('postern: not built yet; run "npm start" or "npm run build" in the repository first');
  process.exit(1);
}
process.exit(await program.main());
