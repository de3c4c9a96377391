import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AlertStore } from '../../../src/store/alerts/alert-store.ts';
import { createAlertStore } from '../../../src/store/alerts/alert-store.ts';
import { createAlerts } from '../../../src/ops/alerts/alerts.ts';
import type { FleetStatus } from '../../../src/ops/fleet-status.ts';
import { createWorld } from '../../support/world.ts';

/** A webhook that answers with this status. */
async function startWebhook() {
  const texts: string[] = [];
  const hook = { status: 200, texts };
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const { text } = (await json(request)) as { text: string };
    if (hook.status === 200) texts.push(text);
    response.writeHead(hook.status).end();
  };
  const server = createServer((request, response) => void take(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return Object.assign(hook, { url: `http://127.0.0.1:${port}/secret` });
}

const QUIET: FleetStatus = {
  at: 0,
  jobs: { queue: 'user-jobs', isPaused: false, waiting: 0, active: 0, delayed: 0, failed: 0, completed: 0 },
  events: [],
  lastHour: [],
  circuits: [],
  rate: {},
  deletions: { count: 0 },
};
const HELD: Partial<FleetStatus> = { circuits: [{ circuit: 'deletion-limit', held: 2 }] };
const AWAY: Partial<FleetStatus> = {
  circuits: [{ circuit: 'damoov', held: 3, openSince: 0, reason: 'timeouts', probeAt: 0 }],
};

async function createFleet(store?: AlertStore) {
  const world = await createWorld({ startsWorker: false });
  const webhook = await startWebhook();
  const state = { status: QUIET };
  const faults: string[] = [];
  const look = createAlerts({
    status: async () => state.status,
    store: store ?? createAlertStore(world.jobs, world.prefix),
    url: webhook.url,
    fleet: 'ours',
    onFault: (reason) => void faults.push(reason),
  });
  const is = (status: Partial<FleetStatus>) => void (state.status = { ...QUIET, ...status });
  /** As if the state had lasted for so long, and had been sent so long ago. */
  const age = async (name: string, sinceMs: number, sentMs?: number) => {
    const sentAt = sentMs === undefined ? 0 : Date.now() - sentMs;
    await world.redis.hset(`${world.prefix}:alerts`, name, `${Date.now() - sinceMs} ${sentAt}`);
  };
  return { world, webhook, look, is, age, faults };
}

const HOUR_MS = 3_600_000;

describe('an alert', () => {
  it('is sent once for the fleet, and once more when it is over', async () => {
    const { look, is, webhook } = await createFleet();
    await look();
    expect(webhook.texts).toEqual([]);
    is(HELD);
    await Promise.all([look(), look(), look()]);
    await look();
    expect(webhook.texts).toEqual([
      'damoov-users ours:\nThe deletion limit holds 2 deletions. An operator decides: on the dashboard, or by `damoov-users deletions release` or `refuse`.',
    ]);
    is({});
    await look();
    await look();
    expect(webhook.texts.slice(1)).toEqual([
      'damoov-users ours:\nOver: The deletion limit holds 2 deletions.',
    ]);
  });

  it('waits until an outage has lasted for five minutes, and is not sent if it is over by then', async () => {
    const { look, is, age, webhook } = await createFleet();
    is(AWAY);
    await look();
    is({});
    await look();
    expect(webhook.texts).toEqual([]);
    is(AWAY);
    await look();
    await age('circuit damoov', HOUR_MS / 12);
    await look();
    expect(webhook.texts).toEqual([expect.stringContaining('Damoov is away')]);
  });

  it('is repeated once a day while it lasts', async () => {
    const { look, is, age, webhook } = await createFleet();
    is(HELD);
    await age('deletion-limit', 30 * HOUR_MS, 23 * HOUR_MS);
    await look();
    expect(webhook.texts).toEqual([]);
    await age('deletion-limit', 30 * HOUR_MS, 24 * HOUR_MS);
    await look();
    await look();
    expect(webhook.texts).toHaveLength(1);
  });

  it('that the webhook does not take is sent again, and its address is told nobody', async () => {
    const { look, is, webhook, faults } = await createFleet();
    is(HELD);
    webhook.status = 500;
    await look();
    webhook.status = 200;
    await look();
    expect(webhook.texts).toHaveLength(1);
    webhook.status = 404;
    is({});
    await look();
    webhook.status = 200;
    await look();
    expect(webhook.texts).toHaveLength(2);
    expect(faults).toEqual(['status 500', 'status 404']);
  });

  it('tells of a Redis that takes no writes, and of no failed job and no pause after a 429', async () => {
    const full: AlertStore = {
      take: () => Promise.reject(new Error('OOM')),
      giveBack: () => Promise.reject(new Error('OOM')),
    };
    const { look, is, webhook } = await createFleet(full);
    is({
      redisRefuses: 'Redis is full',
      rate: { pausedUntil: 5000 },
      lastHour: [{ operation: 'create-user', outcome: 'failed', code: 'rejected', jobs: 1 }],
    });
    await look();
    await look();
    expect(webhook.texts).toEqual([expect.stringMatching(/^damoov-users ours:\nRedis is full\. .*lost\.$/)]);
  });
});

it('a worker sends alerts to ALERTS_WEBHOOK_URL', async () => {
  const webhook = await startWebhook();
  const world = await createWorld({
    env: { ALERTS_WEBHOOK_URL: webhook.url, DELETIONS_PER_HOUR: '0' },
    timings: { alertsMs: 20 },
  });
  await world.run('create-user', { clientId: 'c-1' });
  await world.add('delete-user', { clientId: 'c-1' });
  await expect
    .poll(() => webhook.texts)
    .toEqual([expect.stringContaining('The deletion limit holds 1 deletion')]);
});
