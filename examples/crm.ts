/** Takes events with the library. */
import { UserEvents } from 'damoov-user-lifecycle';

const events = new UserEvents(
  { redis: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379', queue: 'user-events', concurrency: 10 },
  async (event) => {
    switch (event.type) {
      case 'user.created':
        console.log('created', event.data.clientId, event.data.userId);
        break;
      case 'user.failed':
        console.error('failed', event.data.jobId, event.data.code);
        break;
    }
  },
);

process.once('SIGTERM', () => void events.close());
