import { expect, it } from 'vitest';
import { raceDeletions } from './deletion-races.ts';

const { DELETION_RACES = '600', TORTURE_SEED = '1' } = process.env;

interface Race {
  users: number;
  kills: number;
  redisKills: number;
  /** So many must have been cancelled at least, and so many must have been too late: or there was no race. */
  least: number;
}

async function everybodyIsToldTheTruth({ users, kills, redisKills, least }: Race): Promise<void> {
  const report = await raceDeletions({ users, seed: Number(TORTURE_SEED), kills, redisKills });
  if (users > 600) process.stdout.write(`${JSON.stringify({ users, ...report })}\n`);
  expect(report.violations).toEqual([]);
  expect(report.isDone).toBe(true);
  const { cancelled, done, 'too-late': tooLate } = report.answers;
  expect(Math.min(cancelled, tooLate + done)).toBeGreaterThanOrEqual(least);
}

const TITLE =
  'whoever cancels a deletion about when it is due is told the truth, whatever befalls the workers';

it(TITLE, () => everybodyIsToldTheTruth({ users: 200, kills: 1, redisKills: 0, least: 1 }));

it(`${TITLE} (${DELETION_RACES} users)`, { tags: ['slow'], timeout: 900_000 }, () => {
  const users = Number(DELETION_RACES);
  return everybodyIsToldTheTruth({
    users,
    kills: Math.ceil(users / 300),
    redisKills: users < 5000 ? 0 : 1,
    least: users / 20 + 1,
  });
});
