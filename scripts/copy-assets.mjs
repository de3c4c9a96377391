/**
 * The last step of `npm run build`: puts the Lua scripts and the dashboard's files beside the modules that read them, where the
 * compiler leaves them out. Lua loses its comments, as the code does.
 */
import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

for (const file of globSync('src/**/{*.lua,assets/*}')) {
  const copy = file.replace(/^src/, 'dist');
  mkdirSync(dirname(copy), { recursive: true });
  if (file.endsWith('.lua')) writeFileSync(copy, readFileSync(file, 'utf8').replaceAll(/^ *--.*\n/gm, ''));
  else cpSync(file, copy);
}
