/**
 * The last step of `npm run build`: puts the Lua scripts beside the modules that read them, where the compiler leaves them out.
 */
import { cpSync, globSync } from 'node:fs';

for (const script of globSync('src/**/*.lua')) cpSync(script, script.replace(/^src/, 'dist'));
