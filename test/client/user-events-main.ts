/**
 * A service whose handler never ends, in a process of its own: it stops listening when it is told to, and then has nothing left to do.
 */
import { UserEvents } from '../../src/client/user-events.ts';

// What a lock has BullMQ do later would keep the process for days.
const { REDIS_URL: redis = '', PREFIX: prefix } = process.env;
const events = new UserEvents({ redis, prefix, lockMs: 2 ** 31 - 1 }, async () => {
  process.send?.('begun');
  await new Promise(() => {});
});
process.once('message', () => {
  void events.close({ graceMs: 0 }).then(() => process.disconnect());
});
