#!/usr/bin/env node
/**
 * The command `damoov-users`. Imports only what every Node understands until the Node version is checked: imports run before the first
 * line.
 */
import { createRequire } from 'node:module';
import { refusalOf } from './config/node-version.ts';

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own, and there is nothing here yet that could check it
const { engines } = createRequire(import.meta.url)('../package.json') as { engines: { node: string } };

const BAD_USAGE = 2;

const refusal = refusalOf(process.version, engines.node);
if (refusal !== undefined) {
  process.stderr.write(`damoov-users: ${refusal}\n`);
  process.exit(BAD_USAGE);
}
const { runAsProcess } = await import('./cli/execute.ts');
await runAsProcess(process.argv);
