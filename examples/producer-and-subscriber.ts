/** Adds a job and takes events with BullMQ alone, without our library. */
import { Queue, Worker } from 'bullmq';

const options = { connection: { url: process.env.REDIS_URL }, prefix: '{damoov}' };

const jobs = new Queue('user-jobs', options);
const subscriber = new Worker(
  'user-events',
  async ({ data: event }) => {
    // A redelivered event has the same source and id: deduplicate by them.
    console.log(event.id, event.type, event.data.userId);
  },
  options,
);

await jobs.add('create-user', {
  clientId: 'customer-4711',
  profile: { firstName: 'Ada', lastName: 'Lovelace', email: 'ada@example.com' },
});
