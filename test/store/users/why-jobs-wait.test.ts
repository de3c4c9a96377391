import { expect, it } from 'vitest';
import { instancesOf } from '../../../src/app/user-id-settings.ts';
import { SANDBOX_CREDENTIALS } from '../../../src/sandbox/credentials.ts';
import { readWhyJobsWait } from '../../../src/store/users/why-jobs-wait.ts';
import { createWorld } from '../../support/world.ts';

const { instanceId: id, instanceKey: key } = SANDBOX_CREDENTIALS;
const instances = instancesOf({ instances: { default: { id, key } } }, undefined);

it('each delayed job waits for what its user says, by whichever id it is named', async () => {
  const world = await createWorld();
  const { jobs, prefix } = world;
  const { subject: userId = '' } = await world.run('create-user', { clientId: 'c-1' });
  await world.setModes({ latencyMs: 4000 });
  const running = await world.add('update-user', { userId, changes: { phone: '1' } });
  await expect.poll(() => jobs.getJobState(running)).toBe('active');
  const byClientId = await world.add('update-user', { clientId: 'c-1', changes: { phone: '2' } });
  const byUserId = await world.add('update-user', { userId, changes: { phone: '3' } });
  const later = await world.add('update-user', { clientId: 'c-1', changes: { phone: '4' } }, { delay: 1e9 });
  for (const jobId of [byClientId, byUserId])
    await expect.poll(() => jobs.getJobState(jobId)).toBe('delayed');
  const why = await readWhyJobsWait({ jobs, prefix, instances }, [
    { jobId: byClientId, clientId: 'c-1' },
    { jobId: byUserId, userId: userId.toUpperCase() },
    { jobId: later, clientId: 'c-1' },
    { jobId: byClientId, clientId: 'c-1', instance: 'mars' },
    { jobId: byClientId },
  ]);
  expect(why).toEqual([
    { jobId: byClientId, is: 'blocked' },
    { jobId: byUserId, is: 'blocked' },
    undefined,
    undefined,
    undefined,
  ]);
  await world.setModes({ latencyMs: 0 });
});
