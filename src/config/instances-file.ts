/**
 * Reads a file of Damoov instances: `{"name": {"id": "…", "key": "…"}}`. Repeats no value of it: the keys are secrets.
 */
import { z } from 'zod';
import { Environment, headerValue } from './environment.ts';
import { readNamedFile } from './read-file.ts';
import { instanceFaults } from './secrets.ts';

const InstancesFile = z.record(
  z.string().min(1),
  z.strictObject({
    /** Damoov's InstanceId. */
    id: headerValue,
    /** Damoov's InstanceKey: a secret like a database password. */
    key: headerValue,
    /** The secret for this instance's UserIds; if absent, `userId.secret` of the configuration. */
    userIdSecret: Environment.shape.DAMOOV_USER_ID_SECRET,
  }),
);

export type InstanceCredentials = z.output<typeof InstancesFile>[string];

/** The instances by name; if anything is wrong with the file, only faults. */
export function readInstancesFile(
  file: string,
  faults: string[],
  variable = 'DAMOOV_INSTANCES_FILE',
): Record<string, InstanceCredentials> {
  const text = readNamedFile(variable, file, faults);
  if (text === undefined) return {};
  const { data = {}, faults: found } = parse(text);
  faults.push(...found.map((fault) => `${variable}: ${fault}`));
  return found.length > 0 ? {} : data;
}

function parse(text: string): { data?: Record<string, InstanceCredentials>; faults: string[] } {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    // A JSON error quotes the text around the fault, which here is full of secrets.
    return { faults: ['is not JSON'] };
  }
  const { data, error } = InstancesFile.safeParse(content);
  if (error !== undefined) {
    return { faults: error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`) };
  }
  if (Object.keys(data).length === 0) return { faults: ['names no instance'] };
  return { data, faults: instanceFaults(data) };
}
