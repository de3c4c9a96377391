/**
 * The files of docs/reference/schema: one for each job and event, and the AsyncAPI document.
 */
import { asyncApi } from '../src/contract/schema/asyncapi.ts';
import { eventSchemas, jobSchemas, standalone } from '../src/contract/schema/json-schema.ts';

/** Name and text of each. @param version of the package. */
export function schemaFiles(version: string): [string, string][] {
  const schemas = Object.entries({ ...jobSchemas(), ...eventSchemas() });
  return [
    ...schemas.map(([name, schema]): [string, string] => [`${name}.json`, textOf(standalone(name, schema))]),
    ['asyncapi.json', textOf(asyncApi(version))],
  ];
}

function textOf(schema: object): string {
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}
