// Sends one job through the composition from outside, as any service would. Knows the addresses in its environment only.
import assert from 'node:assert/strict';
import { Queue, Worker } from 'bullmq';

// A bare BullMQ client is all that a producer or a subscriber needs.
const { REDIS_ADDRESS, SANDBOX_ADDRESS, HTTP_ADDRESSES } = process.env;
const { hostname: host, port } = new URL(`redis://${REDIS_ADDRESS}`);
const options = { prefix: '{damoov}', connection: { host, port: Number(port), maxRetriesPerRequest: null } };

const jobs = new Queue('user-jobs', options);
const job = await jobs.add('create-user', { clientId: 'compose-1', profile: { firstName: 'Ada' } });

const { promise: event, resolve } = Promise.withResolvers();
const subscriber = new Worker(
  'user-events',
  async ({ name, data }) => {
    if (data.data.jobId === job.id) resolve({ name, ...data.data });
  },
  options,
);
const late = setTimeout(() => {
  console.error(`no event for job ${job.id} within 60 s`);
  process.exit(1);
}, 60_000);
const { name, userId, clientId } = await event;
clearTimeout(late);
assert.equal(name, 'user.created');
assert.equal(clientId, 'compose-1');
await subscriber.close();
await jobs.close();

const { users } = await (await fetch(`http://${SANDBOX_ADDRESS}/_sandbox`)).json();
const seen = users.map((user) => [user.deviceToken, user.clientId, user.firstName]);
assert.deepEqual(seen, [[userId, 'compose-1', 'Ada']]);
const addresses = HTTP_ADDRESSES.split(' ');
assert.equal(new Set(addresses).size, 2);
for (const address of addresses) {
  for (const path of ['/livez', '/readyz']) {
    assert.equal((await fetch(`http://${address}${path}`)).status, 200, `${address}${path}`);
  }
}
console.log(`works: created ${userId} through the containers, two workers are ready`);
