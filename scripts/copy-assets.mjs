/**
 * The last step of `npm run build`: puts the Lua scripts and the dashboard's files beside the modules that read them, where the
 * compiler leaves them out.
 */
import { cpSync, globSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

for (const file of globSync('src/**/{*.lua,assets/*}')) {
  const copy = file.replace(/^src/, 'dist');
  mkdirSync(dirname(copy), { recursive: true });
  cpSync(file, copy);
}
