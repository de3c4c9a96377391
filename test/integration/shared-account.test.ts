import { expect, it } from 'vitest';
import { SANDBOX_CREDENTIALS } from '../../src/sandbox/server.ts';
import { runCommand } from '../support/run-command.ts';
import { type World, createWorld } from '../support/world.ts';

/** Another program, with the worker's own account. */
async function logInElsewhere({ sandboxUrl }: World): Promise<void> {
  const { adminEmail: email, adminPassword: Password } = SANDBOX_CREDENTIALS;
  const response = await fetch(`${sandboxUrl}/v1/Auth/Login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ LoginFields: JSON.stringify({ email }), Password }),
  });
  expect(response.status).toBe(200);
}

it('another program with the same admin account is told of once, by log, metric, status and doctor', async () => {
  const world = await createWorld({
    modes: { loginRevokes: true, loginLimit: null },
    startsWorker: false,
    // The commands below share its session.
  });
  const app = await world.startWorker();
  const userId = await world.signUpElsewhere('c-1');
  const update = async () => {
    const { type } = await world.run('update-user', { userId, changes: { phone: '1' } });
    expect(type).toBe('user.updated');
  };
  const warnings = () =>
    world.logLines.filter((line) => line.includes('others log in with the admin account'));
  const metric = async () =>
    /^damoov_users_sessions_revoked (\d+)$/m.exec(await (await fetch(`${app.url}/metrics`)).text())?.[1];
  const told = async () => ({
    status: (await runCommand(['status'], world.env)).stdout.includes('others ended'),
    doctor: /^warn {2}admin session /m.test((await runCommand(['doctor'], world.env)).stdout),
    metric: await metric(),
  });

  await update();
  await logInElsewhere(world);
  await update();
  // A changed password would do the same.
  expect(warnings()).toEqual([]);
  expect(await told()).toEqual({ status: false, doctor: false, metric: '1' });

  await logInElsewhere(world);
  await update();
  expect(warnings()).toHaveLength(1);
  await logInElsewhere(world);
  await update();
  expect(warnings()).toHaveLength(1);
  expect(await told()).toEqual({ status: true, doctor: true, metric: '3' });
  expect(await world.requests('login')).toHaveLength(4 + 3);
});
