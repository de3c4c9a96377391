import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';

/** What a service loads that imports the library, and makes and closes both of its classes. Below `src/`. */
function loadedByLibrary(): { modules: string[]; scripts: string[] } {
  const program = `
    import { registerHooks, syncBuiltinESMExports } from 'node:module';
    import { pathToFileURL } from 'node:url';
    import fs from 'node:fs';
    const [modules, scripts] = [[], []];
    registerHooks({ load: (url, context, next) => (modules.push(url), next(url, context)) });
    const read = fs.readFileSync;
    fs.readFileSync = (file, ...more) => {
      if (String(file).endsWith('.lua')) scripts.push(String(file));
      return read(file, ...more);
    };
    syncBuiltinESMExports();
    const { UserJobs, UserEvents } = await import('./src/index.ts');
    const away = { redis: 'redis://127.0.0.1:1' };
    await new UserJobs(away).close();
    await new UserEvents(away, () => {}).close({ graceMs: 0 });
    const src = pathToFileURL('src').href + '/';
    const below = (urls) => urls.filter((url) => url.startsWith(src)).map((url) => url.slice(src.length));
    console.log(JSON.stringify({ modules: below(modules), scripts: below(scripts) }));
    process.exit();
  `;
  const stdout = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: path.resolve('.'),
    encoding: 'utf8',
  });
  return JSON.parse(stdout) as { modules: string[]; scripts: string[] };
}

/** The rooms of the library itself, and what else it needs. */
const MODULES = [
  /^index\.ts$/,
  /^contract\//,
  /^client\//,
  /^damoov\/checked-options\.ts$/,
  /^bullmq\/(deletion-jobs|elsewhere|open-queue|protected-members|read-job|redacting-telemetry|stop-worker)\.ts$/,
  /^redis\/(batched-writes|change|connection|lua-json|options|redis-target|refusal|scripts)\.ts$/,
  /^store\/users\/user-tokens\.ts$/,
  /^store\/deletions\//,
];
/** A deletion is scheduled and cancelled by who asks for it. */
const SCRIPTS = [/^redis\/change\.lua$/];

it('the library loads a few small modules, and no script of a worker', () => {
  const { modules, scripts } = loadedByLibrary();
  expect(modules).toContain('index.ts');
  expect(modules.filter((file) => !MODULES.some((allowed) => allowed.test(file)))).toEqual([]);
  expect(modules.length).toBeLessThanOrEqual(45);
  expect(scripts.filter((file) => !SCRIPTS.some((allowed) => allowed.test(file)))).toEqual([]);
});
