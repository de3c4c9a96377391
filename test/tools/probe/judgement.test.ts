import { describe, expect, it } from 'vitest';
import { assumptionsOf, settingsOf } from '../../../src/tools/probe/judgement.ts';
import type { SandboxModes } from '../../../src/sandbox/server.ts';
import { factsUnder } from './probe-world.ts';

describe('the verdict', () => {
  it('says that everything holds but what the sandbox does on purpose', async () => {
    const failing = assumptionsOf(await factsUnder({})).filter(({ holds }) => holds !== true);
    expect(failing.map(({ assumption }) => assumption)).toEqual([
      'the id of a deleted user is free, or refused as a conflict',
    ]);
  });

  it('chooses who chooses the UserId', async () => {
    expect(settingsOf(await factsUnder({}))).toMatchObject([
      { variable: 'DAMOOV_USER_ID', value: 'derived' },
    ]);
    expect(settingsOf(await factsUnder({ ignoreCustomToken: true }))).toMatchObject([{ value: 'assigned' }]);
  });

  it('warns of a Damoov that makes clientIds one, and not of one that only changes what no job may name', async () => {
    const ofForm = async (clientIdForm: SandboxModes['clientIdForm']) =>
      assumptionsOf(await factsUnder({ clientIdForm })).find(({ assumption }) =>
        assumption.startsWith('a ClientId'),
      );
    expect(await ofForm('lower')).toMatchObject({ holds: false });
    expect(await ofForm('trim')).toMatchObject({ holds: true });
  });

  it('says what a worker may lose, and what follows from what it cannot see', async () => {
    const modes = {
      createIgnores: ['Gender'],
      hiddenFields: ['Enabled'],
      repeatedMove: '403',
      loginRevokes: true,
    } as const satisfies Partial<SandboxModes>;
    const failing = assumptionsOf(await factsUnder({ deletedToken: 'free', ...modes })).filter(
      ({ holds }) => holds !== true,
    );
    expect(failing).toMatchObject([
      { assumption: 'a create takes every field that a worker sends with it', holds: false },
      { assumption: 'a login of an account leaves its earlier sessions valid', holds: false },
      { assumption: 'a look-up shows settings and status as they were written', holds: false },
      {
        assumption: 'a move that is sent again succeeds, or is refused with 400, 404, 409 or 422',
        holds: false,
      },
    ]);
    expect(failing[0]?.otherwise).toContain('ignored: gender');
    const refused = assumptionsOf(await factsUnder({ repeatedMove: '409' }));
    expect(refused.find(({ assumption }) => assumption.startsWith('a move'))?.holds).toBe(true);
  });

  it('says what producers can do if null clears nothing', async () => {
    const facts = await factsUnder({ clearing: { null: 'ignored', empty: 'clears' } });
    expect(assumptionsOf(facts)).toContainEqual({
      assumption: 'null in an update clears a field',
      holds: false,
      otherwise: 'an update with null changes nothing; producers can send "" instead',
    });
  });
});
