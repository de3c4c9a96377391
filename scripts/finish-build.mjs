/**
 * The last step of `npm run build`: puts the Lua scripts and the dashboard's files beside the modules that read them, where the
 * compiler leaves them out, and removes the types that no user of the package reaches. Lua loses its comments, as the code does.
 */
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

for (const file of globSync('src/**/{*.lua,assets/*}')) {
  const copy = file.replace(/^src/, 'dist');
  mkdirSync(path.dirname(copy), { recursive: true });
  if (file.endsWith('.lua')) writeFileSync(copy, readFileSync(file, 'utf8').replaceAll(/^ *--.*\n/gm, ''));
  else cpSync(file, copy);
}

/** The compiler writes the types of every module that it reads: of more than the two entries name. */
const reached = new Set();
const reach = (file) => {
  if (reached.has(file)) return;
  reached.add(file);
  for (const [, module] of readFileSync(file, 'utf8').matchAll(
    /(?:from |import\()['"](\.[^'"]+)\.[jt]s['"]/g,
  ))
    reach(path.join(path.dirname(file), `${module}.d.ts`));
};
reach('dist/index.d.ts');
reach('dist/damoov/index.d.ts');
for (const file of globSync('dist/**/*.d.ts')) if (!reached.has(file)) rmSync(file);
