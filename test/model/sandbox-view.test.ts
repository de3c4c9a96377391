import { describe, expect, it } from 'vitest';
import { NOTHING } from './history.ts';
import {
  MOVED_BY_OTHERS,
  type LoggedRequest,
  overlaps,
  remoteDifferences,
  requestsOf,
  secondUsers,
} from './sandbox-view.ts';

const request = (
  seq: number,
  endedAfterSeq: number | null,
  about: Partial<LoggedRequest>,
): LoggedRequest => ({
  seq,
  endedAfterSeq,
  operation: 'find',
  deviceToken: null,
  clientId: null,
  status: 200,
  applied: false,
  ...about,
});
const seen = (...log: LoggedRequest[]) => ({ users: [], log });

describe('requests for one user', () => {
  const create = { operation: 'create', clientId: 'c', deviceToken: 'a', applied: true };

  it('overlap where the later came before the earlier had ended, whichever ids they name', () => {
    const view = seen(request(1, 2, create), request(2, 3, { deviceToken: 'a' }), request(3, 3, create));
    expect(overlaps(view)).toEqual([
      { clientId: 'c', what: expect.stringMatching(/^#2 find a .* came during #1 create a/) },
      { clientId: 'c', what: expect.stringMatching(/^#3 .* came during #2/) },
    ]);
  });

  it('overlap with one that never ended, and with a long one behind a short one', () => {
    const view = seen(
      request(1, null, { deviceToken: 'a' }),
      request(2, 2, { deviceToken: 'a' }),
      request(3, 3, { deviceToken: 'a' }),
    );
    expect(overlaps(view)).toHaveLength(2);
  });

  it('do not overlap with what others do, nor with the question who bears a clientId', () => {
    const view = seen(
      request(1, 4, { ...create, deviceToken: MOVED_BY_OTHERS }),
      request(2, 2, { operation: 'move', deviceToken: MOVED_BY_OTHERS }),
      request(3, 3, { clientId: 'c' }),
    );
    expect(overlaps(view)).toEqual([]);
  });

  it('do not overlap one after the other, nor with those for others, nor with logins', () => {
    const view = seen(
      request(1, 3, create),
      request(2, 4, { clientId: 'd' }),
      request(3, 5, { operation: 'login' }),
      request(4, 4, { operation: 'login' }),
      request(5, 5, create),
    );
    expect(overlaps(view)).toEqual([]);
    expect(requestsOf('c', view)).toHaveLength(2);
  });
});

describe('a second live user', () => {
  const applied = (seq: number, operation: string, deviceToken: string) =>
    request(seq, seq, { operation, deviceToken, clientId: 'c', applied: true });

  it('is told where a create found one alive', () => {
    const view = seen(applied(1, 'create', 'a'), applied(2, 'create', 'b'));
    expect(secondUsers(view)).toEqual([{ clientId: 'c', what: expect.stringContaining('#2') }]);
  });

  it('is none after a deletion', () => {
    const view = seen(applied(1, 'create', 'a'), applied(2, 'delete', 'a'), applied(3, 'create', 'b'));
    expect(secondUsers(view)).toEqual([]);
  });
});

describe('the remote state', () => {
  const profile = { ...NOTHING, phone: '1' };
  const user = { ...profile, clientId: 'c', deviceToken: 'a', instanceId: 'i', deletedAt: null };
  const deleted = { ...user, deletedAt: '2026-01-01T00:00:00.000Z' };

  it('is as expected with exactly one live user for each expected one', () => {
    expect(remoteDifferences({ users: [deleted, user], log: [] }, new Map([['c', profile]]))).toEqual([]);
  });

  it.each([
    ['another value', [{ ...user, phone: '2' }]],
    ['two live users', [user, user]],
    ['nobody alive', [deleted]],
    ['somebody unexpected', [user, { ...user, clientId: 'd' }]],
    ['a user without a clientId', [user, { ...user, clientId: null }]],
  ])('differs with %s', (_what, users) => {
    expect(remoteDifferences({ users, log: [] }, new Map([['c', profile]]))).toHaveLength(1);
  });
});
