import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { LONGEST_TEXT } from '../../src/bullmq/protected-members.ts';
import { JOB_NAMES, MAX_JOB_BYTES } from '../../src/contract/job.ts';
import { type Settled, failed } from '../../src/contract/outcome.ts';
import { erasedOf, readJob, retainedDataOf } from '../../src/lifecycle/job-data.ts';
import { createJobCipher } from '../../src/lifecycle/encryption.ts';
import type { StoredOutcome } from '../../src/lifecycle/ports/user-state.ts';

const cipher = createJobCipher(new Map([['default', { secret: 'a secret' }]]));
const FAILED: Settled = failed('rejected', 'no');
const DONE: Settled = { status: 'superseded', by: 'deletion' };
const keptOf = (outcome: Settled): StoredOutcome => ({ outcome, attempts: 2, at: 3 });

const NOW = Date.parse('2026-06-01T00:00:00Z');

interface Job {
  name: string;
  text: string;
}

const read = ({ name, text }: Job, by = cipher, id = '4711') =>
  readJob({ id, name, text, timestamp: NOW }, by, NOW);
/** The job as it lies in the queue once it has ended so. */
const leave = ({ name, text }: Job, outcome: Settled = FAILED) => {
  const delivery = { id: '4711', timestamp: NOW, text };
  const retainedData = retainedDataOf(keptOf(outcome), read({ name, text }), delivery, cipher);
  return { name, text: retainedData === undefined ? text : JSON.stringify(retainedData) };
};
const job = (name: string, data: unknown) => ({ name, text: JSON.stringify(data) });

describe('what is left of a job that failed', () => {
  test.prop([fc.oneof(fc.constantFrom(...JOB_NAMES), fc.string()), fc.oneof(fc.json(), fc.string())])(
    'is read as the job was, and stays as it is where it fails again',
    (name, text) => {
      const left = leave({ name, text });
      const again = read(left);
      expect({ name: again.name, parsed: again.parsed }).toEqual(read({ name, text }));
      expect(leave(left)).toEqual(left);
    },
  );

  it('has its ids and its time, and nothing else', () => {
    const ids = { clientId: 'c-1', instance: 'default', occurredAt: '2026-01-01T00:00:00Z' };
    const { name, text } = leave(job('update-user', { ...ids, changes: { email: 'ada@example.test' } }));
    expect({ name, data: JSON.parse(text) as object }).toEqual({
      name: 'update-user',
      data: { ...ids, encrypted: expect.not.stringContaining('ada@') },
    });
  });

  it('is why, where it was too large, and no job that a retry could carry out', () => {
    const left = leave(
      job('create-user', { clientId: 'c-1', profile: { email: 'x'.repeat(MAX_JOB_BYTES) } }),
    );
    expect(JSON.parse(left.text)).toBe(
      'the data is 65577 bytes, more than the 65536 allowed: it is not kept',
    );
    expect(read(left).parsed).toMatchObject({ ok: false });
  });

  it('fits into what a worker takes off the queue, whatever was in it', () => {
    const longest = leave({ name: 'x'.repeat(255), text: '\u0001'.repeat(MAX_JOB_BYTES) });
    expect(longest.text.length).toBeLessThan(LONGEST_TEXT);
    expect(read(longest).parsed).toMatchObject({
      invalid: { message: expect.stringContaining('not JSON') },
    });
  });

  it('says so where its secret is not there any more, and waits for it', () => {
    const text = leave(job('create-user', { clientId: 'c-1', profile: { phone: '1' } })).text;
    const other = createJobCipher(new Map([['default', { secret: 'another' }]]));
    const locked = read({ name: 'create-user', text }, other);
    expect(locked.parsed).toMatchObject({
      invalid: { message: expect.stringContaining('can decrypt it'), reference: { clientId: 'c-1' } },
    });
    const delivery = { id: '4711', timestamp: NOW, text };
    expect(retainedDataOf(keptOf(FAILED), locked, delivery, other)).toBeUndefined();
  });

  it('is encrypted also where a producer has sent something that looks encrypted', () => {
    for (const data of [
      { encrypted: 'ada@example.test' },
      { encrypted: `1.${'A'.repeat(48)}`, profile: 'Ada Lovelace' },
    ]) {
      const left = leave(job('create-user', data));
      // No base64 has a blank or an @: what is encrypted may read ADA by chance.
      expect(left.text).not.toMatch(/ada[ @]/i);
      expect(read(left).parsed).toMatchObject({
        invalid: { message: expect.stringContaining('unknown key "encrypted"') },
      });
    }
  });
});

describe('what is left of a job that is done with', () => {
  const ids = { clientId: 'c-1', correlationId: 'r-1', instance: 'default' };
  const ended = { ended: keptOf(DONE), proof: expect.stringMatching(/^[\w-]{16}$/) };

  it.each([
    ['create-user', { profile: { email: 'ada@example.test' }, createAccessToken: true }],
    ['update-user', { changes: { email: 'ada@example.test' } }],
    ['delete-user', { reason: 'Ada asked' }],
  ])('%s: its ids and how it ended', (name, more) => {
    const left = leave(job(name, { ...ids, ...more }), DONE);
    expect(JSON.parse(left.text)).toEqual({ ...ids, ...ended });
    const again = leave(leave(job(name, { ...ids, ...more })), DONE);
    expect(JSON.parse(again.text)).toEqual({ ...ids, ...ended });
  });

  it('has its outcome, and is unchanged', () => {
    const left = leave(job('create-user', { ...ids, profile: {} }), DONE);
    expect(read(left)).toMatchObject({
      ended: keptOf(DONE),
      parsed: { ok: false, invalid: { reference: ids } },
    });
    expect(leave(left, DONE)).toEqual(left);
  });

  it('proves how it ended to no other job, at no other time, and under no other secret', () => {
    const left = leave(job('create-user', ids), DONE);
    const { timestamp, ...data } = { timestamp: NOW + 1, ...left };
    const other = createJobCipher(new Map([['default', { secret: 'another' }]]));
    const changed = { ...left, text: left.text.replace('"attempts":2', '"attempts":1') };
    expect(changed).not.toEqual(left);
    for (const locked of [
      read(left, cipher, '4712'),
      readJob({ id: '4711', ...data, timestamp }, cipher, NOW),
      read(left, other),
      read(changed),
    ]) {
      expect(locked).not.toHaveProperty('ended');
      expect(locked.parsed).toMatchObject({
        ok: false,
        invalid: { message: expect.stringContaining('ended'), reference: { clientId: 'c-1' } },
      });
    }
  });

  it('of which its user’s deletion has erased the rest, says so, until it has ended', () => {
    const left = leave(job('update-user', { clientId: 'c-1', changes: { phone: '1' } }));
    const erased = { ...left, text: JSON.stringify(erasedOf(JSON.parse(left.text))) };
    expect(erased.text.length).toBeLessThan(left.text.length);
    expect(read(erased)).toMatchObject({ isErased: true });
    const rest = { clientId: 'c-1', instance: 'default' };
    expect(JSON.parse(leave(erased, DONE).text)).toEqual({ ...rest, ...ended });
  });

  it('is nothing that a deletion would erase', () => {
    const { text } = leave(job('create-user', ids), DONE);
    expect(erasedOf(JSON.parse(text))).toEqual(JSON.parse(text));
  });

  it.each([null, '', '1.', `1.${'A'.repeat(16)}.`, `1.${'A'.repeat(16)}.${'A'.repeat(48)}`])(
    'is nothing that a producer can claim with encrypted: %j',
    (encrypted) => {
      const locked = read(job('update-user', { clientId: 'c-1', encrypted }));
      expect(locked.parsed).toMatchObject({
        ok: false,
        invalid: {
          message: expect.stringContaining('unknown key "encrypted"'),
          reference: { clientId: 'c-1' },
        },
      });
      expect(locked).not.toHaveProperty('isErased');
    },
  );
});
