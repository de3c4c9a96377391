import { expect, it } from 'vitest';
import { torture } from './torture.ts';

const { TORTURE_SEED = '1' } = process.env;

it(
  'jobs under fire end with one event id and one user each, as the model says, and none is left',
  { timeout: 240_000 },
  async () => {
    const options = { jobs: 150, seed: Number(TORTURE_SEED), workers: 2, kills: 4, redisKills: 1 };
    const { verdict, stories, injected } = await torture(options);
    const differences = Object.entries(verdict).filter(([, findings]) => findings.length > 0);
    expect(Object.fromEntries(differences), stories.join('\n\n')).toEqual({});
    expect(injected).toMatchObject({ 'worker kill': 4, 'redis kill': 1 });
  },
);
