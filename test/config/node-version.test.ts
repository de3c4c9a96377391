import { expect, it } from 'vitest';
import { refusalOf } from '../../src/config/node-version.ts';

it.each(['v20.20.2', 'v22.21.9', 'v18.0.0'])('%s is refused, and what is needed is said', (version) => {
  expect(refusalOf(version, '>=22.22')).toBe(`Node 22.22 or newer is needed; this is ${version}`);
});

it.each(['v22.22.0', 'v22.30.1', 'v24.0.0', 'v100.1.0'])('%s will do', (version) => {
  expect(refusalOf(version, '>=22.22')).toBeUndefined();
});
