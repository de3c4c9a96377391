/**
 * `npm run schemas`: writes the schemas of jobs and events to docs/reference/schema, where a test compares them with the code.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { z } from 'zod';
import { schemaFiles } from './schema-files.ts';

const DIRECTORY = 'docs/reference/schema';
const { version } = z
  .object({ version: z.string() })
  .parse(createRequire(import.meta.url)('../package.json'));

await rm(DIRECTORY, { recursive: true, force: true });
await mkdir(DIRECTORY);
for (const [name, text] of schemaFiles(version)) await writeFile(`${DIRECTORY}/${name}`, text);
