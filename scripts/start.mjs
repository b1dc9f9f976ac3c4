// npm start: prepares the repository and becomes `postern dev` (arguments after `--` go to it).

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from './prepare.mjs';

prepare();
process.argv.splice(2, 0, 'dev');
// In this process, so that signals reach the program itself.
await import(pathToFileURL(join(root, 'apps', 'postern', 'bin', 'postern.js')).href);
