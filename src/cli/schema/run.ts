/**
 * `damoov-users schema`: prints the schemas of jobs and events, for tools. Needs no Redis and no configuration.
 */
import { asyncApi } from '../../contract/schema/asyncapi.ts';
import { version } from '../../config/package-version.ts';
import { bundle, eventSchemas, jobSchemas, standalone } from '../../contract/schema/json-schema.ts';
import type { CommandContext } from '../common/command-context.ts';
import { outputOf } from '../terminal/output.ts';
import { UsageError } from '../common/usage-error.ts';

export interface SchemaOptions {
  format: 'json-schema' | 'asyncapi';
  json?: boolean;
}

export async function schema(
  name: string | undefined,
  options: SchemaOptions,
  { stdout }: CommandContext,
): Promise<void> {
  const { format, json = false } = options;
  if (format === 'asyncapi' && name !== undefined) {
    throw new UsageError(`${name}: an AsyncAPI document has all of them; omit the name`);
  }
  const document = format === 'asyncapi' ? asyncApi(version) : name === undefined ? bundle() : named(name);
  await outputOf(stdout).line(JSON.stringify(document, undefined, json ? undefined : 2));
}

function named(name: string): object {
  const schemas = Object.entries({ ...jobSchemas(), ...eventSchemas() });
  const found = schemas.find(([known]) => known === name);
  if (found === undefined) {
    throw new UsageError(
      `${name}: there is no such job or event (known: ${schemas.map(([known]) => known).join(', ')})`,
    );
  }
  return standalone(...found);
}
