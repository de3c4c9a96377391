import { expect, it } from 'vitest';
import { raceDeletions } from './deletion-races.ts';

const { DELETION_RACES = '600', TORTURE_SEED = '1' } = process.env;

it(
  'whoever cancels a deletion about when it is due is told the truth, whatever befalls the workers',
  { timeout: 900_000 },
  async () => {
    const users = Number(DELETION_RACES);
    const report = await raceDeletions({
      users,
      seed: Number(TORTURE_SEED),
      kills: Math.ceil(users / 300),
      redisKills: users < 5000 ? 0 : 1,
    });
    if (users > 600) process.stdout.write(`${JSON.stringify({ users, ...report })}\n`);
    expect(report.violations).toEqual([]);
    expect(report.isDone).toBe(true);
    expect(report.answers.none).toBe(0);
    // Or there was no race.
    expect(
      Math.min(report.answers.cancelled, report.answers['too-late'] + report.answers.done),
    ).toBeGreaterThan(users / 20);
  },
);
