import { describe, expect, it } from 'vitest';
import { attentionTo } from '../../../../src/ops/dashboard/fleet/attention.ts';
import { panelsOf } from '../../../../src/ops/dashboard/fleet/panels.ts';
import type { Reading, State } from '../../../../src/ops/dashboard/fleet/reading.ts';
import type { FleetStatus } from '../../../../src/ops/fleet-status.ts';

const AT = Date.parse('2026-11-25T12:00:00Z');
const MINUTE_MS = 60_000;
const CONTEXT = { loginsPerHour: 4, inTime: { since: 0, windows: [] } };

const WELL: FleetStatus = {
  at: AT,
  jobs: { queue: 'user-jobs', isPaused: false, waiting: 0, active: 0, delayed: 0, failed: 0, completed: 0 },
  events: [{ queue: 'user-events', waiting: 0, active: 0, delayed: 0, failed: 0, isPaused: false }],
  lastHour: [{ operation: 'create-user', outcome: 'done', jobs: 1 }],
  circuits: [
    { circuit: 'damoov', held: 0 },
    { circuit: 'deletion-limit', held: 0 },
  ],
  logins: { left: 4 },
  rate: {},
  deletions: { count: 0 },
};

const fresh = (fleet: Partial<FleetStatus> = {}, more: Partial<State> = {}): Reading => ({
  is: 'fresh',
  state: { fleet: { ...WELL, ...fleet }, minutes: [], calendar: [], ...more },
});

describe('what needs somebody', () => {
  it('is nothing where all is well', async () => {
    expect(attentionTo(fresh())).toEqual([]);
    expect((await panelsOf(fresh(), CONTEXT)).decision).toContain('All is well.');
  });

  it.each<[string, Partial<FleetStatus>, string, string]>([
    [
      'a full Redis',
      { redisRefuses: 'Redis refuses to write (OOM): its memory is full' },
      'alarm',
      'Redis refuses to write (OOM): its memory is full. Jobs wait until it takes writes again; nothing is lost.',
    ],
    [
      'a refused credential',
      {
        circuits: [
          {
            circuit: 'admin',
            openSince: AT - 5 * MINUTE_MS,
            reason: 'it said 401',
            probeAt: AT + 9000,
            held: 3,
          },
        ],
      },
      'alarm',
      'The credential of `admin` is refused for 5m: it said 401. 3 jobs wait; tried again in 9s.',
    ],
    [
      'an outage',
      { circuits: [{ circuit: 'damoov', openSince: AT - MINUTE_MS, reason: '503', probeAt: AT, held: 1 }] },
      'alarm',
      'Damoov is away for 1m: 503. 1 job waits; tried again now.',
    ],
    [
      'deletions that the deletion limit holds',
      { circuits: [{ circuit: 'deletion-limit', openSince: AT - 2 * MINUTE_MS, held: 1200 }] },
      'alarm',
      'The deletion limit holds 1,200 deletions for 2m. An operator decides: on the dashboard, or by `damoov-users deletions release` or `refuse`.',
    ],
    [
      'a bar on logins',
      { logins: { left: 0, barredUntil: AT + 30 * MINUTE_MS } },
      'alarm',
      'No login is allowed for 30m. Damoov bars an address that logs in too often; it ends by itself.',
    ],
    [
      'an admin account that others use',
      { logins: { left: 3, revoked: 2 } },
      'warning',
      'Others have ended 2 sessions of the admin within the hour. Give the worker an admin account of its own.',
    ],
    [
      'no login left',
      { logins: { left: 0 } },
      'warning',
      'No login is left within the hour. The session goes on while it can be refreshed.',
    ],
    [
      'a pause after a 429',
      { rate: { pausedUntil: AT + 4000 } },
      'warning',
      'Nothing is sent for 4s, after a 429. The fleet goes on by itself, more slowly.',
    ],
    [
      'a paused queue',
      { jobs: { ...WELL.jobs, isPaused: true } },
      'warning',
      'The queue `user-jobs` is paused. No worker takes a job until it is resumed.',
    ],
    [
      'a paused queue of events',
      { events: [{ queue: 'crm', waiting: 0, active: 0, delayed: 0, failed: 0, isPaused: true }] },
      'warning',
      'The queue `crm` is paused. Its subscriber gets no event until it is resumed.',
    ],
    [
      'failures',
      { lastHour: [{ operation: 'update-user', outcome: 'failed', code: 'rejected', jobs: 2 }] },
      'warning',
      '2 jobs failed within the hour. `damoov-users failed list` shows them by code.',
    ],
    [
      'dead letters of a subscriber',
      { events: [{ queue: 'crm', waiting: 0, active: 0, delayed: 0, failed: 1, isPaused: false }] },
      'warning',
      'The subscriber of `crm` has 1 dead letter. They stay for 14 days: `damoov-users dead-letters list`.',
    ],
  ])('is %s', (_, fleet, level, said) => {
    expect(attentionTo(fresh(fleet)).map((one) => [one.level, `${one.text} ${one.advice}`])).toEqual([
      [level, said],
    ]);
  });

  it('begins with what is gravest', () => {
    const found = attentionTo(
      fresh({ logins: { left: 0 }, circuits: [{ circuit: 'damoov', openSince: AT, reason: 'x', held: 0 }] }),
    );
    expect(found.map(({ level }) => level)).toEqual(['alarm', 'warning']);
  });

  it('leads to the page of what it is about', async () => {
    const { decision } = await panelsOf(
      fresh({
        circuits: [{ circuit: 'deletion-limit', openSince: AT, held: 2 }],
        lastHour: [{ operation: 'update-user', outcome: 'failed', code: 'rejected', jobs: 2 }],
        events: [{ queue: 'crm', waiting: 0, active: 0, delayed: 0, failed: 1, isPaused: false }],
      }),
      CONTEXT,
    );
    expect([...decision.matchAll(/href="([^"]*)"/g)].map(([, href]) => href)).toEqual([
      '/dashboard/deletions?state=held',
      '/dashboard/jobs?state=failed',
      '/dashboard/dead-letters?queue=crm',
    ]);
  });

  it('is written as text, whatever a reason says', async () => {
    const circuits = [
      { circuit: 'admin' as const, openSince: AT, reason: '<img src=x onerror="x">', held: 0 },
    ];
    const { decision } = await panelsOf(fresh({ circuits }), CONTEXT);
    expect(decision).not.toContain('<img');
    expect(decision).toContain('&lt;img src=x');
  });
});

describe('a chart', () => {
  it('says of each bar and of the whole what it shows', async () => {
    const counts = [
      { operation: 'create-user', outcome: 'done' as const, jobs: 1400 },
      { operation: 'create-user', outcome: 'failed' as const, code: 'rejected', jobs: 1 },
    ];
    const { flow, deletions } = await panelsOf(
      fresh(
        { deletions: { count: 31, nextDueAt: AT + MINUTE_MS } },
        {
          minutes: [
            { at: AT - MINUTE_MS, counts },
            { at: AT, counts: [] },
          ],
          calendar: [
            { from: AT, deletions: 30 },
            { from: AT + 86_400_000, deletions: 1 },
          ],
        },
      ),
      CONTEXT,
    );
    expect(flow).toContain('1,401 jobs ended within the hour, 1,401 in the busiest minute.');
    expect(flow).toContain('11:59 UTC: 1,400 done, 0 superseded, 1 failed');
    expect(flow).toContain('2,000');
    expect(deletions).toContain('Today: 30');
    expect(deletions).toContain('From Thu 26 Nov on: 1');
    expect(deletions).toContain('31 pending, the next in 1 minute');
  });
});
