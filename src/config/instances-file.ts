/**
 * Reads a file of Damoov instances: `{"name": {"id": "…", "key": "…"}}`. Repeats no value of it: the keys are secrets.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { instanceFaults } from './secrets.ts';
import { Environment, headerValue } from './environment.ts';

export interface InstanceCredentials {
  /** Damoov's InstanceId. */
  id: string;
  /** Damoov's InstanceKey: a secret like a database password. */
  key: string;
  /** What UserIds of this very instance derive from; where it is absent, `userId.secret` of the configuration. */
  userIdSecret?: string | undefined;
}

const InstancesFile = z.record(
  z.string().min(1),
  z.strictObject({
    id: headerValue,
    key: headerValue,
    userIdSecret: Environment.shape.DAMOOV_USER_ID_SECRET,
  }),
);

/** The instances by name, and what is wrong with the file; none of them where anything is. */
export function readInstancesFile(file: string): {
  instances: Record<string, InstanceCredentials>;
  faults: string[];
} {
  const refused = (...faults: string[]) => ({ instances: {}, faults });
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // A JSON error quotes the text around the fault, which here is full of secrets.
    if (error instanceof SyntaxError) return refused('is not JSON');
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    return refused(`cannot be read (${code})`);
  }
  const { data, error } = InstancesFile.safeParse(content);
  if (error !== undefined) {
    return refused(...error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`));
  }
  if (Object.keys(data).length === 0) return refused('names no instance');
  const copied = instanceFaults(data);
  return copied.length > 0 ? refused(...copied) : { instances: data, faults: [] };
}
