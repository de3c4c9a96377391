import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { nothingConfigured, spawnWorker } from '../support/spawn-worker.ts';
import { dumpRedis, tracesOf } from '../support/traces.ts';
import { type World, createWorld } from '../support/world.ts';

const MARKS = ['kanarie', '49172999'];
const PROFILE = { firstName: 'Kanarie', phone: '+49172999123', email: 'kanarie@example.test' };

/** Two services listen, a third one asks, and a worker is between them. */
async function createTracedWorld(env: Record<string, string> = {}, startsWorker = true) {
  const receiver = await startOtlpReceiver();
  const world = await createWorld({
    startsWorker: false,
    env: { EVENTS_QUEUES: 'user-events,crm,mail', OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...env },
    timings: { gatherMs: 20 },
  });
  if (startsWorker) await world.startWorker();
  return { receiver, world };
}

function spawnService(args: string[], world: World, receiver: OtlpReceiver) {
  const child = spawn(process.execPath, ['test/support/traced-service.ts', ...args], {
    env: {
      PATH: process.env['PATH'],
      ...nothingConfigured(),
      REDIS_URL: world.env['REDIS_URL'],
      QUEUE_PREFIX: world.prefix,
      OTLP: receiver.url,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(call: string, user: object, options?: object): Promise<{ id: string; traceId: string }> {
      child.stdin.write(`${JSON.stringify({ call, user, options })}\n`);
      const { value } = await lines.next();
      return JSON.parse(String(value)) as { id: string; traceId: string };
    },
  };
}

/** Services and names of a trace as lines, each below its parent; brothers in alphabetical order. */
function treeOf(spans: readonly ReceivedSpan[], traceId: string): string[] {
  const ofTrace = spans.filter((span) => span.traceId === traceId);
  const below = (parent: string, depth: number): string[] =>
    ofTrace
      .filter(({ parentSpanId }) => parentSpanId === parent)
      .map((span) => [`${'  '.repeat(depth)}${span.service}: ${span.name}`, ...below(span.spanId, depth + 1)])
      .sort((one, other) => one.join().localeCompare(other.join(), 'en'))
      .flat();
  return below('', 0);
}

const eventsOf = (type: string) =>
  ['crm', 'mail', 'user-events'].flatMap((queue) => [
    `      damoov-user-lifecycle: add ${queue}.${type}`,
    ...(queue === 'user-events'
      ? []
      : [`        ${queue}: process ${queue}`, `          ${queue}: note the user`]),
  ]);

describe('a trace', () => {
  it('goes from the call of a producer through job and requests to every subscriber, without user data', async () => {
    const { receiver, world } = await createTracedWorld();
    for (const queue of ['crm', 'mail']) spawnService(['listen', queue], world, receiver);
    const shop = spawnService(['ask'], world, receiver);
    const created = await shop.ask('create', { clientId: 'c-1', profile: PROFILE, createAccessToken: true });
    const { userId } = (await world.eventOf(created.id)).data;
    const updated = await shop.ask('update', { clientId: 'c-1', changes: PROFILE });
    await world.eventOf(updated.id);
    const deleted = await shop.ask('delete', { clientId: 'c-1', reason: 'Kanarie asked' });
    await world.eventOf(deleted.id);

    const trees: [{ traceId: string }, string[]][] = [
      [
        created,
        [
          'shop: create in the shop',
          '  shop: add user-jobs.create-user',
          '    damoov-user-lifecycle: process user-jobs',
          ...eventsOf('user.created'),
          '      damoov-user-lifecycle: damoov create',
        ],
      ],
      [
        updated,
        [
          'shop: update in the shop',
          '  shop: add user-jobs.update-user',
          '    damoov-user-lifecycle: process user-jobs',
          ...eventsOf('user.updated'),
          '      damoov-user-lifecycle: damoov find',
          '      damoov-user-lifecycle: damoov login',
          '      damoov-user-lifecycle: damoov update',
        ],
      ],
      [
        deleted,
        [
          'shop: delete in the shop',
          '  shop: add user-jobs.delete-user',
          '    damoov-user-lifecycle: process user-jobs',
          ...eventsOf('user.deleted'),
          '      damoov-user-lifecycle: damoov delete',
          '      damoov-user-lifecycle: damoov find',
          '      damoov-user-lifecycle: damoov find',
        ],
      ],
    ];
    for (const [{ traceId }, tree] of trees) {
      await expect.poll(() => treeOf(receiver.spans, traceId)).toEqual(tree);
    }
    const sent = receiver.spans.filter(({ name }) => name.startsWith('damoov '));
    expect(sent).toHaveLength((await world.requests()).length);
    const run = receiver.spans.find(
      ({ traceId, name }) => traceId === created.traceId && name === 'process user-jobs',
    );
    expect(run?.attributes).toMatchObject({
      'bullmq.job.id': created.id,
      'bullmq.job.name': 'create-user',
      'damoov.users.outcome': 'user.created',
      'damoov.users.user_id': userId,
    });
    // Neither what the jobs said, nor the tokens of the user, nor the shop's baggage.
    const { accessToken, refreshToken } = (await world.eventOf(created.id)).data as Record<string, string>;
    for (const token of [accessToken, refreshToken]) {
      expect(token).toEqual(expect.any(String));
      expect(receiver.bodies.filter((body) => body.includes(token ?? ''))).toEqual([]);
    }
    expect(tracesOf(MARKS, receiver.bodies)).toEqual([]);
    await expect.poll(async () => world.jobs.getJobCountByTypes('active', 'waiting')).toBe(0);
    expect(tracesOf(MARKS, await dumpRedis(world.redis, `${world.prefix}:user-jobs*`))).toEqual([]);
  });

  it('goes on through every run of a job, and says why a request or a job failed by its code', async () => {
    const { receiver, world } = await createTracedWorld();
    const shop = spawnService(['ask'], world, receiver);
    await world.setModes({ errorRate: 1, errorStatus: 503 });
    const late = await shop.ask('create', { clientId: 'c-1', profile: PROFILE });
    const refused = await shop.ask('create', { clientId: 'c-2', instance: 'mars', profile: PROFILE });
    const spansOf = ({ traceId }: { traceId: string }, name: string) =>
      receiver.spans.filter((span) => span.traceId === traceId && span.name === name);
    await expect
      .poll(() => spansOf(late, 'damoov create')[0])
      .toMatchObject({
        hasFailed: true,
        attributes: { 'http.response.status_code': 503, 'error.type': 'server' },
      });
    await world.setModes({ errorRate: 0 });
    await world.eventOf(late.id);
    const runs = () => spansOf(late, 'process user-jobs').map(({ attributes }) => attributes);
    await expect
      .poll(runs)
      .toContainEqual(expect.objectContaining({ 'damoov.users.outcome': 'user.created' }));
    expect(runs().length).toBeGreaterThan(1);
    await world.eventOf(refused.id);
    await expect
      .poll(() => spansOf(refused, 'process user-jobs'))
      .toMatchObject([{ hasFailed: true, attributes: { 'damoov.users.code': 'unknown-instance' } }]);
    expect(tracesOf(MARKS, receiver.bodies)).toEqual([]);
  });

  it('begins with the worker where another client asked, even one that wrote nonsense, and with a deferred deletion', async () => {
    const { receiver, world } = await createTracedWorld({
      OTEL_SERVICE_NAME: 'fleet one',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a%20b',
    });
    const shop = spawnService(['ask'], world, receiver);
    const ids = [
      await world.add('create-user', { clientId: 'c-1' }),
      await world.add('create-user', { clientId: 'c-2' }, { telemetry: { metadata: 'nonsense' } }),
      await world.add('create-user', { clientId: 'c-3' }, { telemetry: { metadata: 'null' } }),
      await world.add('kanarie@example.test', { clientId: 'c-4' }),
    ];
    const deferred = await shop.ask('delete', { clientId: 'c-1' }, { in: 3_600_000 });
    expect(await world.redis.hget(world.jobs.toKey(deferred.id), 'opts')).toMatch(
      /^\{"delay":\d+,"attempts":0\}$/,
    );
    await (await world.jobs.getJob(deferred.id))?.promote();
    const runOf = (id: string) =>
      receiver.spans.find(
        ({ name, attributes }) => name.startsWith('process') && attributes['bullmq.job.id'] === id,
      );
    for (const id of [...ids, deferred.id]) {
      await world.eventOf(id);
      await expect.poll(() => runOf(id)).toMatchObject({ parentSpanId: '', service: 'fleet one' });
    }
    expect(runOf(deferred.id)?.traceId).not.toBe(deferred.traceId);
    expect(runOf(ids[3] ?? '')?.attributes['bullmq.job.name']).toBe('unknown');
    expect(tracesOf(MARKS, receiver.bodies)).toEqual([]);
    expect(receiver.headers.find((headers) => headers['x-tenant'] === 'a b')).toBeDefined();
  });

  it('is begun for a share of the jobs only, where that is asked for', async () => {
    const { receiver, world } = await createTracedWorld({ OTEL_TRACES_SAMPLER_ARG: '0' }, false);
    const worker = spawnWorker(world.env);
    const shop = spawnService(['ask'], world, receiver);
    await world.run('create-user', { clientId: 'c-1' });
    // The service that begins a trace has decided.
    const { id, traceId } = await shop.ask('create', { clientId: 'c-2' });
    await world.eventOf(id);
    expect(await worker.stop()).toBe(0);
    const ofWorker = receiver.spans.filter(({ service }) => service === 'damoov-user-lifecycle');
    expect(ofWorker.length).toBeGreaterThan(0);
    expect(new Set(ofWorker.map((span) => span.traceId))).toEqual(new Set([traceId]));
  });

  it('costs nobody anything where its receiver is away: it is said once, and the worker works and stops', async () => {
    const { receiver, world } = await createTracedWorld({}, false);
    const worker = await world.startWorker();
    const said = (message: string) => world.logLines.filter((line) => line.includes(message));
    receiver.answer(400);
    await world.run('create-user', { clientId: 'c-1' });
    await expect.poll(() => said('the receiver refuses traces: they are dropped')).toHaveLength(1);
    const refused = receiver.refused;
    for (let n = 2; n < 4; n += 1) await world.run('create-user', { clientId: `c-${n}` });
    await expect.poll(() => receiver.refused).toBeGreaterThan(refused);
    receiver.answer(200);
    await world.run('create-user', { clientId: 'c-9' });
    await expect.poll(() => said('the receiver accepts traces again')).toHaveLength(1);
    await worker.close();
    expect(said('the receiver refuses traces')).toHaveLength(1);
    expect(said('a part did not stop cleanly')).toEqual([]);
  });
});

describe('a worker with no receiver', () => {
  it('loads nothing of OpenTelemetry', async () => {
    const world = await createWorld({ startsWorker: false });
    const script = `
      import { registerHooks } from 'node:module';
      const urls = [];
      registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) });
      const { startApp } = await import('./src/app/app.ts');
      const { loadConfig } = await import('./src/config/config.ts');
      const { createLog } = await import('./src/ops/log.ts');
      const app = await startApp(loadConfig(), await createLog('silent', false));
      await (await fetch(app.url + '/metrics')).text();
      await app.close();
      console.log(JSON.stringify(urls));
      process.exit();
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      env: { PATH: process.env['PATH'], ...nothingConfigured(), ...world.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) lines.push(line);
    const urls = JSON.parse(lines.at(-1) ?? '') as string[];
    const packages = new Set(
      urls.flatMap((url) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []),
    );
    expect(packages).toContain('bullmq');
    const telemetry = [...packages].filter((name) => /opentelemetry|otel/.test(name));
    expect(telemetry).toEqual([]);
    expect(urls.filter((url) => url.endsWith('/ops/tracing.ts'))).toEqual([]);
  });
});
