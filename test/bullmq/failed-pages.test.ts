import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { type RankedJob, readFailedPages } from '../../src/bullmq/failed-pages.ts';

/** A set as Redis orders it, which may change between any two calls. */
function createSet(size: number, { stepMs }: { stepMs: number }) {
  const jobs = Array.from({ length: size }, (_, n): RankedJob => {
    return { jobId: `job-${String(n).padStart(5, '0')}`, failedAt: Math.floor(n * stepMs) };
  });
  let added = 0;
  return {
    jobs,
    /** They go, or fail anew. */
    take: (from: number, count: number) => jobs.splice(from % Math.max(1, jobs.length), count),
    add: (failedAt: number, count: number) => {
      for (let n = 0; n < count; n += 1) {
        jobs.push({ jobId: `new-${added}`, failedAt });
        added += 1;
      }
      jobs.sort((a, b) => a.failedAt - b.failedAt || (a.jobId < b.jobId ? -1 : 1));
    },
    read: (between: () => void) =>
      readFailedPages<RankedJob>({
        async idsAt(first, last) {
          between();
          return jobs.slice(first, last + 1).map(({ jobId }) => jobId);
        },
        async readAll(jobIds) {
          between();
          return jobIds.map((jobId) => jobs.find((job) => job.jobId === jobId));
        },
      }),
  };
}

const change = fc.record({
  takesFrom: fc.nat(1200),
  takes: fc.nat(300),
  adds: fc.nat(50),
  addsAt: fc.nat(1300),
});

test.prop([fc.array(change, { maxLength: 12 }), fc.constantFrom(0, 0.1, 1)], { numRuns: 300 })(
  'whatever comes and goes meanwhile, none is returned twice, and none that stays is left out',
  async (changes, stepMs) => {
    const set = createSet(1000, { stepMs });
    const before = set.jobs.map(({ jobId }) => jobId);
    const left = [...changes];
    const returned: string[] = [];
    for await (const page of set.read(() => {
      const next = left.shift();
      if (next === undefined) return;
      set.take(next.takesFrom, next.takes);
      set.add(next.addsAt, next.adds);
    })) {
      returned.push(...page.map(({ jobId }) => jobId));
    }
    expect(new Set(returned).size).toBe(returned.length);
    const staying = new Set(set.jobs.map(({ jobId }) => jobId));
    const missed = before.filter((jobId) => staying.has(jobId) && !returned.includes(jobId));
    expect(missed).toEqual([]);
  },
);

it('jobs that fail anew behind the reader are not taken for a place that stayed', async () => {
  const set = createSet(399, { stepMs: 1 });
  const before = set.jobs.map(({ jobId }) => jobId);
  const returned: string[] = [];
  for await (const page of set.read(() => {})) {
    returned.push(...page.map(({ jobId }) => jobId));
    // The whole page fails again; its last job gets the same place as before.
    if (returned.length > page.length) continue;
    const again = set.take(0, page.length).toReversed();
    set.jobs.push(...again.map((job, n) => ({ ...job, failedAt: 10_000 + n })));
  }
  expect(before.filter((jobId) => !returned.includes(jobId))).toEqual([]);
});
