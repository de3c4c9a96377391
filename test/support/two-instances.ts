/** A world of a sandbox with two instances; the worker knows the other one only if configured. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { DEFAULT, OTHER } from './instances.ts';
import { type World, type WorldOptions, createWorld } from './world.ts';

export async function createTwoInstances({
  knowsOther = true,
  env = {},
  ...options
}: WorldOptions & { knowsOther?: boolean } = {}): Promise<World> {
  const directory = await mkdtemp(path.join(tmpdir(), 'damoov-instances-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = path.join(directory, 'instances.json');
  await writeFile(file, JSON.stringify({ other: OTHER }));
  return createWorld({
    ...options,
    sandbox: { instances: [DEFAULT, OTHER] },
    env: { ...env, ...(knowsOther && { DAMOOV_INSTANCES_FILE: file }) },
  });
}
