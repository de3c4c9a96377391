import { describe, expect, it } from 'vitest';
import { createCallOrder } from '../../src/client/call-order.ts';

const USER_ID = '3d0d0165-ec19-8bb6-9018-d49217879e0a';

describe('the calls for one user', () => {
  it('get later stamps within a millisecond, and the clock’s own after it', () => {
    let now = 1000;
    const order = createCallOrder(() => now);
    const stamp = () => order.nextStamp({ clientId: 'c-1' });
    expect([stamp(), stamp(), stamp()]).toEqual([1000, 1001, 1002]);
    now = 1002;
    expect(stamp()).toBe(1003);
    now = 2000;
    expect(stamp()).toBe(2000);
  });

  it('are those of each name that a call has, in whatever case a userId is', () => {
    const order = createCallOrder(() => 1000);
    expect(order.nextStamp({ clientId: 'c-1' })).toBe(1000);
    expect(order.nextStamp({ clientId: 'c-1', userId: USER_ID })).toBe(1001);
    expect(order.nextStamp({ userId: USER_ID.toUpperCase() })).toBe(1002);
    expect(order.nextStamp({ clientId: 'c-1' })).toBe(1002);
  });

  it('are not those for another user, of another instance, or for nobody', () => {
    const order = createCallOrder(() => 1000);
    order.nextStamp({ clientId: 'c-1' });
    order.nextStamp({ clientId: USER_ID });
    expect(order.nextStamp({ clientId: 'c-2' })).toBe(1000);
    expect(order.nextStamp({ clientId: 'c-1', instance: 'eu' })).toBe(1000);
    expect(order.nextStamp({ userId: USER_ID })).toBe(1000);
    expect([order.nextStamp({}), order.nextStamp({})]).toEqual([1000, 1000]);
    // The one that is called default and the one that is not named are the same.
    expect(order.nextStamp({ clientId: 'c-1', instance: 'default' })).toBe(1001);
  });

  it('are remembered while their millisecond lasts, however many others come', () => {
    let now = 1000;
    const order = createCallOrder(() => now);
    for (let n = 0; n < 3000; n += 1) order.nextStamp({ clientId: `c-${n}` });
    expect(order.nextStamp({ clientId: 'c-0' })).toBe(1001);
    now = 999;
    expect(order.nextStamp({ clientId: 'c-1' })).toBe(1001);
  });

  it('are remembered after it too, of a thousand users under both their names', () => {
    let now = 1000;
    const order = createCallOrder(() => now);
    const nextStamp = (n: number) => order.nextStamp({ clientId: `c-${n}`, userId: `u-${n}` });
    for (let n = 1; n < 1000; n += 1) nextStamp(n);
    now = 1001;
    nextStamp(1000);
    now = 500;
    expect(nextStamp(1)).toBe(1001);
  });

  it('are forgotten once they are over and many others have come', () => {
    let now = 1000;
    const order = createCallOrder(() => now);
    for (let n = 0; n < 2000; n += 1) order.nextStamp({ clientId: `c-${n}` });
    now = 1001;
    // The last that is remembered, and one more: those of before go.
    order.nextStamp({ clientId: 'next' });
    now = 500;
    expect(order.nextStamp({ clientId: 'c-0' })).toBe(500);
    expect(order.nextStamp({ clientId: 'next' })).toBe(1002);
  });
});
