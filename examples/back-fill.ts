/** Adds many sign-ups from a generator, in bounded memory. */
import { UserJobs } from 'damoov-user-lifecycle';

const users = new UserJobs({ redis: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' });

async function* customers() {
  for (let n = 1; n <= 1000; n += 1) yield { clientId: `customer-${n}`, idempotencyKey: `back-fill/${n}` };
}

const { added } = await users.createMany(customers(), {
  maxWaiting: 10_000, // reads on only while fewer jobs wait
  onInvalid: (error) => console.error(error.message), // without it the first invalid row ends the call
  onChunk: (_ids, soFar) => console.error(`${soFar} added`),
});
console.log(`${added} added`);

await users.close();
