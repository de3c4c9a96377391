import { describe, expect, it } from 'vitest';
import { createAccess } from '../../../src/ops/dashboard/access.ts';

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
const RIGHT = basic('ops:pässword:with a colon');

function open() {
  let now = 1_000_000;
  let limited = 0;
  const access = createAccess({
    viewer: { user: 'ops', password: 'pässword:with a colon' },
    operator: { user: 'anna', password: 'another password' },
    onLimited: () => (limited += 1),
    now: () => now,
  });
  const guess = (times: number, from: string) =>
    Array.from({ length: times }, (_, n) => access.decision(basic(`ops:${n}`), from).is);
  return { access, guess, wait: (ms: number) => (now += ms), limited: () => limited };
}

describe('who may see the dashboard', () => {
  it('is who has the user and the password, whatever characters are in it', () => {
    const { access } = open();
    expect(access.decision(RIGHT, '::1').is).toBe('granted');
    expect(access.decision(RIGHT.replace('Basic', 'basic'), '::1').is).toBe('granted');
  });

  it('is a viewer, or an operator by the other password', () => {
    const { access } = open();
    const account = (text: string) => access.decision(basic(text), '::1');
    expect(access.decision(RIGHT, '::1')).toEqual({
      is: 'granted',
      account: { name: 'ops', role: 'viewer' },
    });
    expect(account('anna:another password')).toEqual({
      is: 'granted',
      account: { name: 'anna', role: 'operator' },
    });
    expect(account('ops:another password')).toEqual({ is: 'refused' });
    expect(account('anna:pässword:with a colon')).toEqual({ is: 'refused' });
  });

  it('is not told from the answer whether the user or the password was wrong', () => {
    const { access } = open();
    const wrong = ['ops:no', 'no:pässword:with a colon', 'no:no', 'ops', 'ops:', ':', 'ops:pässword'].map(
      (text) => access.decision(basic(text), '::1'),
    );
    expect(new Set(wrong.map((decision) => JSON.stringify(decision)))).toEqual(new Set(['{"is":"refused"}']));
  });

  it('is nobody who sends no such header, and that is no guess', () => {
    const { access, guess } = open();
    const strange = [undefined, '', 'Basic', 'Basic  ', 'Bearer x', 'Basic %%%', `${RIGHT} x`, `x ${RIGHT}`];
    for (const header of [...strange, ...strange, ...strange])
      expect(access.decision(header, 'a').is).toBe('refused');
    expect(guess(1, 'a')).toEqual(['refused']);
    expect(access.decision(RIGHT, 'a').is).toBe('granted');
  });

  it('guesses ten times and then no more than ten times a minute, even when the next guess were right', () => {
    const { access, guess, wait, limited } = open();
    expect(guess(12, '203.0.113.9')).toEqual([
      ...Array.from({ length: 10 }, () => 'refused'),
      'limited',
      'limited',
    ]);
    expect(limited()).toBe(1);
    expect(access.decision(RIGHT, '203.0.113.9')).toMatchObject({ is: 'limited', retryAfterS: 6 });
    expect(access.decision(RIGHT, '203.0.113.10').is).toBe('granted');
    wait(6000);
    expect(guess(2, '203.0.113.9')).toEqual(['refused', 'limited']);
    wait(60_000);
    expect(access.decision(RIGHT, '203.0.113.9').is).toBe('granted');
    expect(guess(10, '203.0.113.9')).not.toContain('limited');
  });

  it('does not guess more often with the many addresses of one IPv6 network, or of IPv4 inside IPv6', () => {
    const { guess } = open();
    guess(10, '2001:db8::1');
    expect(guess(1, '2001:db8:0:0:7:8:9:a')).toEqual(['limited']);
    expect(guess(1, '2001:db8:0:1::1')).toEqual(['refused']);
    guess(10, '::ffff:203.0.113.9');
    expect(guess(1, '203.0.113.9')).toEqual(['limited']);
  });

  it('may guess from many addresses without the list of them growing for ever', () => {
    const { access, guess } = open();
    guess(10, 'first');
    for (let n = 0; n < 10_000; n += 1) guess(1, `a${n}`);
    expect(access.decision(RIGHT, 'first').is).toBe('granted');
  });
});
