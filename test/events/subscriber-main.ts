/**
 * A service whose handler never ends, in a process of its own: it stops listening when it is told to, and then has nothing left to do.
 */
import { UserEvents } from '../../src/events/subscriber.ts';

// BullMQ looks for stalled jobs once more after half a lock: what is left to do then is over soon.
const { REDIS_URL: redis = '', PREFIX: prefix } = process.env;
const events = new UserEvents({ redis, prefix, lockMs: 1000 }, async () => {
  process.send?.('begun');
  await new Promise(() => {});
});
process.once('message', () => {
  void events.close({ graceMs: 0 }).then(() => process.disconnect());
});
