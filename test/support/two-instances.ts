/** A world of a sandbox with two instances; the worker knows the other one only if configured. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { SANDBOX_CREDENTIALS } from '../../src/sandbox/credentials.ts';
import { type World, type WorldOptions, createWorld } from './world.ts';

const { instanceId, instanceKey } = SANDBOX_CREDENTIALS;
export const OTHER = {
  id: '33333333-3333-4333-8333-333333333333',
  key: '44444444-4444-4444-8444-444444444444',
};

export async function createTwoInstances({
  knowsOther = true,
  modes = {},
}: Pick<WorldOptions, 'modes'> & { knowsOther?: boolean } = {}): Promise<World> {
  const directory = await mkdtemp(path.join(tmpdir(), 'damoov-instances-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = path.join(directory, 'instances.json');
  await writeFile(file, JSON.stringify({ other: OTHER }));
  const env = knowsOther ? { DAMOOV_INSTANCES_FILE: file } : {};
  return createWorld({ sandbox: { instances: [{ id: instanceId, key: instanceKey }, OTHER] }, modes, env });
}
