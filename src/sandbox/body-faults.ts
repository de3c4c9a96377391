/**
 * The faults of a body as the API's Errors[] name them.
 */
import type { z } from 'zod';
import type { FieldFault } from './envelope.ts';

/** A field that the schema does not know is named by itself. */
export function faultsOf({ issues }: z.ZodError): FieldFault[] {
  return issues.flatMap((issue): FieldFault[] => {
    if (issue.code !== 'unrecognized_keys') return [{ Key: issue.path.join('.'), Message: issue.message }];
    return issue.keys.map((key) => ({
      Key: [...issue.path, key].join('.'),
      Message: 'The sandbox does not know this field.',
    }));
  });
}
