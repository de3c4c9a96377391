/**
 * The least that somebody would write without this product: a BullMQ worker that calls Damoov and returns. A program of its own,
 * which the benchmark holds ours against; it validates nothing, repeats a create blindly, and keeps no order.
 *
 * `--events` makes it add an event to a queue, too.
 */
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { request } from 'undici';

interface SignUp {
  clientId: string;
  profile: { firstName?: string; lastName?: string; email?: string; phone?: string };
}

interface Answer {
  Result: { DeviceToken: string };
}

const { env } = process;
const connection = new Redis(env['REDIS_URL'] ?? '', { maxRetriesPerRequest: null });
const prefix = env['QUEUE_PREFIX'] ?? 'bull';
const events = process.argv.includes('--events')
  ? new Queue('user-events', { connection, prefix })
  : undefined;

const worker = new Worker<SignUp>('user-jobs', async ({ data }) => createUser(data), {
  connection,
  prefix,
  concurrency: Number(env['WORKER_CONCURRENCY'] || 50),
});
worker.on('error', () => undefined);

async function createUser({ clientId, profile }: SignUp) {
  const { statusCode, body } = await request(`${env['DAMOOV_BASE_URL']}/v1/Registration/create`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      InstanceId: env['DAMOOV_INSTANCE_ID'] ?? '',
      InstanceKey: env['DAMOOV_INSTANCE_KEY'] ?? '',
    },
    body: JSON.stringify({
      CreateAccessToken: false,
      FirstName: profile.firstName,
      LastName: profile.lastName,
      Email: profile.email,
      Phone: profile.phone,
      UserFields: { ClientId: clientId },
    }),
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what such a worker would do
  const { Result: user } = (await body.json()) as Answer;
  if (statusCode !== 200) throw new Error(`Damoov answered ${statusCode}`);
  await events?.add('user.created', { userId: user.DeviceToken, clientId });
  return { userId: user.DeviceToken };
}
