import { expect, it } from 'vitest';
import { createPromoteBlocked } from '../../../src/store/users/promote-blocked.ts';

type Promotion = 'promoted' | 'elsewhere' | 'gone' | Error;

/** Jobs whose promotions end like this; the next one in line after each that is withdrawn. */
function createWorld(promotions: Record<string, Promotion>, next: Record<string, string[]> = {}) {
  const promoted: string[] = [];
  const withdrawn: unknown[] = [];
  const wake = createPromoteBlocked(
    {
      async promote(jobId) {
        promoted.push(jobId);
        const is = promotions[jobId] ?? 'promoted';
        if (is instanceof Error) throw is;
        return is;
      },
    },
    async (keys, argument) => {
      expect(keys).toEqual([]);
      withdrawn.push(argument);
      return next[(argument as { jobId: string }).jobId] ?? [];
    },
  );
  return { wake, promoted, withdrawn };
}

it('each job is promoted, also where one of them cannot be', async () => {
  const { wake, promoted, withdrawn } = createWorld({ b: new Error('no answer'), c: 'elsewhere' });
  await wake(['user a', ' b', 'user c d']);
  expect(promoted).toEqual(['a', 'b', 'c d']);
  expect(withdrawn).toEqual([]);
});

it('a job that is gone leaves its user to the next one', async () => {
  const { wake, promoted, withdrawn } = createWorld(
    { a: 'gone', b: 'gone' },
    { a: ['user b'], b: ['user c'] },
  );
  await wake(['user a']);
  expect(promoted).toEqual(['a', 'b', 'c']);
  expect(withdrawn).toEqual([
    { recordId: 'user', jobId: 'a' },
    { recordId: 'user', jobId: 'b' },
  ]);
});

it('a job that is gone, and for which no user is kept, leaves nothing', async () => {
  const { wake, withdrawn } = createWorld({ a: 'gone' });
  await wake([' a']);
  expect(withdrawn).toEqual([]);
});
