/** What is wrong with an environment, and files that its variables name. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config/config.ts';

export function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

/** Writes files that are there until the tests of the file that calls this are over. */
export function createFiles(): (content: string) => string {
  const directories: string[] = [];
  afterAll(() => directories.forEach((directory) => rmSync(directory, { recursive: true })));
  return (content) => {
    const directory = mkdtempSync(join(tmpdir(), 'damoov-config-'));
    directories.push(directory);
    const file = join(directory, 'a-file');
    writeFileSync(file, content);
    return file;
  };
}
