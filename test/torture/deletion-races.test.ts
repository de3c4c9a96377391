import { expect, it } from 'vitest';
import { raceDeletions } from './deletion-races.ts';

const { DELETION_RACES = '600', TORTURE_SEED = '1' } = process.env;

async function everybodyIsToldTheTruth(users: number, kills: number, redisKills: number): Promise<void> {
  const report = await raceDeletions({ users, seed: Number(TORTURE_SEED), kills, redisKills });
  if (users > 600) process.stdout.write(`${JSON.stringify({ users, ...report })}\n`);
  expect(report.violations).toEqual([]);
  expect(report.isDone).toBe(true);
  expect(report.answers.none).toBe(0);
  // Or there was no race.
  const { cancelled, done, 'too-late': tooLate } = report.answers;
  expect(Math.min(cancelled, tooLate + done)).toBeGreaterThan(users / 20);
}

const TITLE =
  'whoever cancels a deletion about when it is due is told the truth, whatever befalls the workers';

it(TITLE, () => everybodyIsToldTheTruth(100, 1, 0));

it(`${TITLE} (${DELETION_RACES} users)`, { tags: ['slow'], timeout: 900_000 }, () => {
  const users = Number(DELETION_RACES);
  return everybodyIsToldTheTruth(users, Math.ceil(users / 300), users < 5000 ? 0 : 1);
});
