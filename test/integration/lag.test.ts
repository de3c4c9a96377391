import { describe, expect, it } from 'vitest';
import { type Answer, hangUp, refusal, success } from '../damoov/scripted-server.ts';
import { createScriptedWorld, nobody, seen, seenAsAsked } from '../support/scripted-world.ts';

const USER_ID = '0d9c1f0e-5c1b-4a5e-9d58-5a1f4f1f7a10';

/** The result of a look-up depends on the number of look-ups, not on the time. */
const NO_PAUSE = { pause: async () => {} };

/** By what the question names the user. */
const asked =
  (byUserId: Answer, byClientId: Answer): Answer =>
  (response, request) =>
    (/[?&]DeviceToken=/.test(request.url) ? byUserId : byClientId)(response, request);

describe('a user whom look-ups come to show between two questions', () => {
  it('is the one that an unanswered create has made', async () => {
    const { damoov, world } = await createScriptedWorld({}, NO_PAUSE);
    damoov.script('create', hangUp);
    damoov.script('find', asked(nobody, seenAsAsked(damoov)));
    const event = await world.run('create-user', { clientId: 'c-1' });
    expect(event).toMatchObject({ type: 'user.created', data: { existed: true } });
    expect(damoov.count('create')).toBe(1);
  });

  it('is the one whom both ids of a deletion mean', async () => {
    const { damoov, world } = await createScriptedWorld({}, NO_PAUSE);
    damoov.script('find', asked(nobody, seen(USER_ID)));
    damoov.script('delete', success());
    const event = await world.run('delete-user', { clientId: 'c-1', userId: USER_ID });
    expect(event).toMatchObject({ type: 'user.deleted', subject: USER_ID, data: { existed: true } });
    expect(damoov.count('delete')).toBe(1);
  });
});

describe('a user whom an unanswered create has made and look-ups do not show yet', () => {
  it.each([409, 422, 400])('is found later, where a known token is answered with %s', async (status) => {
    const { damoov, world } = await createScriptedWorld({}, NO_PAUSE);
    const taken = refusal(status, [{ Key: 'CustomToken', Message: 'is taken' }]);
    damoov.script('create', hangUp, taken);
    // One for the session, two for what the create left behind, one after the refusal.
    damoov.script('find', nobody, nobody, nobody, nobody, seenAsAsked(damoov));
    const event = await world.run('create-user', { clientId: 'c-1' });
    expect(event).toMatchObject({ type: 'user.created', data: { existed: true } });
    expect(damoov.count('create')).toBe(2);
  });

  it('is found however late, where a known token is answered with 409', async () => {
    const { damoov, world } = await createScriptedWorld({}, NO_PAUSE);
    damoov.script('create', hangUp, refusal(409));
    damoov.script('find', nobody, ...Array.from({ length: 7 }, () => nobody), seenAsAsked(damoov));
    const event = await world.run('create-user', { clientId: 'c-1' });
    expect(event).toMatchObject({ type: 'user.created', data: { existed: true } });
  });
});
