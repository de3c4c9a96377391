/**
 * The faults of a body in the form of the API's Errors[].
 */
import type { z } from 'zod';
import type { FieldFault } from './envelope.ts';

/** An unknown field gets a fault of its own. */
export function faultsOf({ issues }: z.ZodError): FieldFault[] {
  return issues.flatMap((issue): FieldFault[] => {
    if (issue.code !== 'unrecognized_keys') return [{ Key: issue.path.join('.'), Message: issue.message }];
    return issue.keys.map((key) => ({
      Key: [...issue.path, key].join('.'),
      Message: 'The sandbox does not know this field.',
    }));
  });
}
