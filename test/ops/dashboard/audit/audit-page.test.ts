import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createAuditLog } from '../../../../src/store/audit/audit-log.ts';
import { createOperatorWorld } from '../actions/operator-world.ts';
import { createDashboardWorld } from '../dashboard-world.ts';
import { BROKEN_OUT, HOSTILE_IDS } from '../hostile-ids.ts';

describe('the audit log', () => {
  it('is shown with the newest first, 50 at a time', async () => {
    const { redis: connection, prefix, page } = await createDashboardWorld();
    expect((await page('/audit')).text).toContain('No action is recorded.');
    const log = createAuditLog({ connection, prefix });
    for (let n = 1; n <= 53; n += 1)
      await log.record(
        { what: 'failed drop', filter: { n }, count: n, reason: `reason-${n}` },
        { who: 'ada', from: 'command' },
      );
    const reasons = ({ text }: { text: string }) =>
      [...text.matchAll(/reason-(\d+)/g)].map(([, n]) => Number(n));
    const first = await page('/audit');
    expect(reasons(first)).toEqual(Array.from({ length: 50 }, (_, n) => 53 - n));
    const older = await page((first.links.get('Older') ?? '').replace('/dashboard', ''));
    expect(reasons(older)).toEqual([3, 2, 1]);
    expect(older.links.has('Older')).toBe(false);
    expect(older.text).toContain('ada by command failed drop 3 n=3 reason-3');
  });

  it('leads to the page of an action while there is one', async () => {
    const world = await createOperatorWorld();
    await world.act('pauseQueue', { queue: 'user-jobs' });
    const { links, text } = await world.page('/audit');
    const path = (links.get('queue pause') ?? '').replace('/dashboard', '');
    expect((await world.page(path)).text).toContain('Done. user-jobs is now paused');
    expect(text).toContain('anna by page');
    vi.setSystemTime(Date.now() + 86_400_000);
    onTestFinished(() => void vi.useRealTimers());
    expect((await world.page('/audit')).links.has('queue pause')).toBe(false);
  });

  it('names several chosen ids without the marks of JSON', async () => {
    const { redis: connection, prefix, page } = await createDashboardWorld();
    const filter = { code: ['rejected', 'forbidden'] };
    await createAuditLog({ connection, prefix }).record(
      { what: 'failed retry', filter, count: 2 },
      { who: 'ada', from: 'command' },
    );
    expect((await page('/audit')).text).toContain('failed retry 2 code=rejected, forbidden');
  });

  it('escapes whatever was chosen and whoever chose it', async () => {
    const { redis: connection, prefix, page } = await createDashboardWorld();
    const log = createAuditLog({ connection, prefix });
    for (const id of HOSTILE_IDS)
      await log.record({ what: id, filter: { id: [id] }, count: 1, reason: id }, { who: id, from: 'page' });
    const { status, html } = await page('/audit');
    expect(status).toBe(200);
    expect(html).not.toMatch(/<script>|<img|onmouseover=alert\(1\) x="[^&]/);
    expect(html).not.toMatch(BROKEN_OUT);
    for (const before of ['now', '0-0']) expect((await page(`/audit?before=${before}`)).status).toBe(400);
  });
});
