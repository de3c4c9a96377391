import { describe, expect, it } from 'vitest';
import { LAST_DUE_MS } from '../../src/store/deletions/deletions.ts';
import { InvalidJobError, checked, parseDue, jobIdOf } from '../../src/client/requests.ts';

const KEY = 'order-17';
const idOf = (data: Record<string, unknown>, key: string | undefined = KEY, name = 'create-user' as const) =>
  jobIdOf({ name, data }, key);

describe('the id of a job with an idempotency key', () => {
  const request = { clientId: 'c-1', profile: { firstName: 'Ada', phone: '1' } };

  it('is the same for the same request, in whatever order its fields come', () => {
    const shuffled = { profile: { phone: '1', firstName: 'Ada' }, clientId: 'c-1' };
    expect(idOf(shuffled)).toBe(idOf(request));
    expect(idOf(request)).toMatch(/^key-[\w-]{27}$/);
  });

  it('is the same in every version: one that is asked again by a newer producer adds nothing', () => {
    expect(idOf(request)).toBe('key-1X_hI6SDNIZCs0qnxe6iPdAQq7D');
  });

  it('does not depend on when it happened, on its reference, or on naming the default instance', () => {
    const more = { occurredAt: '2027-01-01T00:00:00Z', correlationId: 'r-1', instance: 'default' };
    expect(idOf({ ...request, ...more })).toBe(idOf(request));
  });

  it.each([
    ['another key', idOf(request, 'order-18')],
    ['another value', idOf({ ...request, profile: { firstName: 'Ada', phone: '2' } })],
    ['another field', idOf({ ...request, profile: { firstName: 'Ada', email: '1' } })],
    ['another instance', idOf({ ...request, instance: 'eu' })],
    ['another job', jobIdOf({ name: 'update-user', data: request }, KEY)],
  ])('is another for %s', (_what, id) => {
    expect(id).not.toBe(idOf(request));
  });

  it('reveals nothing of the key or the request', () => {
    expect(idOf({ clientId: 'ada@example.com' }, 'ada')).not.toMatch(/ada/i);
  });

  it.each(['', ' ', 7, null])('is refused for the key %j, which many could share', (key) => {
    expect(() => idOf(request, key as string)).toThrow('idempotencyKey: must be a text that is not blank');
  });
});

it('the id of a job without a key is nobody else’s', () => {
  expect(jobIdOf({ name: 'create-user', data: {} }, undefined)).not.toBe(
    jobIdOf({ name: 'create-user', data: {} }, undefined),
  );
});

describe('a request', () => {
  it('whose date was made of seconds is refused as a worker would refuse it', () => {
    const occurredAt = new Date(Date.UTC(2026, 0, 31) / 1000);
    expect(() => checked('create-user', { clientId: 'c-1', occurredAt })).toThrow(
      'occurredAt: is before the year 2000: it looks like seconds instead of milliseconds',
    );
  });

  it('becomes the data that a worker will read: dates as text, and nothing that is undefined', () => {
    const occurredAt = new Date('2026-01-31T12:00:00Z');
    const { name, data } = checked('create-user', { clientId: 'c-1', userId: undefined, occurredAt });
    expect(name).toBe('create-user');
    expect(data).toStrictEqual({ clientId: 'c-1', occurredAt: '2026-01-31T12:00:00.000Z' });
  });

  it.each([
    ['nothing', undefined, ''],
    ['what is no JSON', { clientId: 1n }, 'the data cannot be written as JSON'],
    ['a wrong type', { clientId: 7 }, 'clientId: '],
  ])('that is %s is refused with its row', (_what, request, message) => {
    const refuse = (index?: number) => () => checked('create-user', request, index);
    expect(refuse()).toThrow(InvalidJobError);
    expect(refuse(3)).toThrow(new RegExp(`^row 4: .*${message}`));
    try {
      refuse(3)();
    } catch (error) {
      expect(error).toMatchObject({ index: 3 });
    }
  });
});

describe('when a deletion is due', () => {
  const NOW = 1_800_000_000_000;

  it.each([
    ['now, where nothing is said', {}, NOW],
    ['after a span', { in: '30d' }, NOW + 30 * 86_400_000],
    ['after milliseconds', { in: 1500 }, NOW + 1500],
    ['after none', { in: 0 }, NOW],
    ['then, as text', { at: '2030-01-31T12:00:00Z' }, Date.parse('2030-01-31T12:00:00Z')],
    ['then, as a date', { at: new Date(NOW + 1) }, NOW + 1],
    ['on the last day that the queue can count to', { at: new Date(LAST_DUE_MS) }, LAST_DUE_MS],
  ])('is %s', (_what, due, dueAt) => {
    expect(parseDue(due, NOW)).toBe(dueAt);
  });

  it.each([
    ['both', { in: '1d', at: new Date(NOW) }, 'only one of them'],
    ['a span without a unit', { in: '30' }, 'in: must be a number of milliseconds'],
    ['a negative span', { in: -1 }, 'in: must be'],
    ['no end', { in: Infinity }, 'in: must be'],
    ['a span that is no number', { in: Number.NaN }, 'in: must be'],
    ['a time without a zone', { at: '2030-01-31T12:00:00' }, 'at: must be a Date'],
    ['a date that is none', { at: new Date('x') }, 'at: must be a Date'],
    ['a number', { at: NOW as unknown as Date }, 'at: must be a Date'],
    ['a date made of seconds', { at: new Date(NOW / 1000) }, 'seconds instead of milliseconds'],
    ['later than the queue can count', { at: new Date(LAST_DUE_MS + 1) }, 'can be due until 2039-09-07'],
  ])('is refused for %s', (_what, due, message) => {
    expect(() => parseDue(due, NOW)).toThrow(message);
  });
});
