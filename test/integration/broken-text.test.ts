import { fc } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { createDeletions } from '../../src/store/deletions/deletions.ts';
import { brokenText } from '../support/broken-text.ts';
import { createWorld } from '../support/world.ts';

const jobOf = (texts: readonly string[], index: number) => {
  const [correlationId = '', text = '', other = ''] = texts;
  const data = { clientId: `c-${index % 4}`, correlationId };
  return [
    { name: 'create-user', data: { ...data, profile: { firstName: text, nickname: other } } },
    { name: 'update-user', data: { ...data, changes: { nickname: text, lastName: other } } },
    { name: 'delete-user', data: { ...data, reason: text } },
    { name: 'create-user', data: { ...data, instance: text.slice(0, 10) || 'x', [other]: text } },
  ][Math.floor(index / 4) % 4] as { name: string; data: { correlationId: string; [field: string]: unknown } };
};

it('text that is no Unicode ends no job but with its one event, which says it as Unicode', async () => {
  const world = await createWorld();
  const texts = fc.sample(fc.array(brokenText, { minLength: 3, maxLength: 3 }), 96);
  const jobs = await world.jobs.addBulk(texts.map(jobOf));
  for (const [index, { id = '' }] of jobs.entries()) {
    const { correlationId } = jobOf(texts[index] ?? [], index).data;
    expect((await world.eventOf(id)).data).toMatchObject({ correlationId: correlationId.toWellFormed() });
  }
  await expect.poll(() => world.jobs.getJobCountByTypes('wait', 'active', 'delayed')).toBe(0);
  expect(world.events).toHaveLength(jobs.length);
  expect(new Set(world.events.map(({ data }) => data.jobId))).toEqual(new Set(jobs.map(({ id }) => id)));
});

it('a deletion by another client whose reason was cut is listed, and can be cancelled', async () => {
  const world = await createWorld();
  const deletions = createDeletions({ jobs: world.jobs, prefix: world.prefix });
  const id = await world.add('delete-user', { clientId: 'c-😀', reason: '\uD83D' }, { delay: 60_000 });
  const listed: unknown[] = [];
  for await (const deletion of deletions.list()) listed.push(deletion);
  expect(listed).toMatchObject([{ clientId: 'c-😀' }]);
  expect(await deletions.cancel({ clientId: 'c-😀' })).toBe('none');
  await (await world.jobs.getJob(id))?.promote();
  expect(await world.eventOf(id)).toMatchObject({
    type: 'user.superseded',
    data: { by: 'cancellation' },
  });
});
