/**
 * The benchmark of deferred deletions: what a great many of them cost Redis, and whether they slow anything down.
 */
import { cancelAndList } from './cancelling.ts';
import type { Figure, Section } from './figures.ts';
import { type Environment, prepareEnvironment } from './environment.ts';
import type { PartOptions } from './part.ts';
import { type Added, IN_FLIGHT, REQUESTS, type Store, addDeletions, openStore } from './pending.ts';
import { compareSignUps } from './sign-ups.ts';
import { weigh } from './weight.ts';

/** What differs by the kind of a request is weighed on so many. */
const WEIGHED = 50_000;

export async function deletions(options: PartOptions): Promise<Section[]> {
  const environment = await prepareEnvironment();
  try {
    const many = await environment.startRedis('many');
    const store = openStore(many);
    try {
      const filled = await fill(store, options);
      const small = await inSmall(environment, options);
      const signUps = await signUpsBeside(environment, many, options);
      return [
        { title: 'Redis, a pending deletion', figures: [...filled.weight, ...small.weight] },
        { title: 'Adding deletions', figures: [...filled.adding, ...small.adding] },
        signUps,
        await cancelling(store, options),
      ];
    } finally {
      store.close();
    }
  } finally {
    await environment.close();
  }
}

interface Filled {
  weight: Figure[];
  adding: Figure[];
}

/** The great many, which stay for what follows. */
async function fill(store: Store, { jobs, onProgress, signal }: PartOptions): Promise<Filled> {
  onProgress(`adding ${jobs.toLocaleString('en')} deletions`);
  const added: Added[] = [];
  const { bytes, sampledBytes } = await weigh(store, jobs, async () =>
    added.push(await addDeletions(store, { count: jobs, requestOf: REQUESTS.clientId, signal })),
  );
  const [adding] = added;
  if (adding === undefined) throw new Error('nothing was added');
  const { seconds, ownCpuSeconds, redisCpuSeconds } = adding;
  return {
    weight: [
      { name: 'bytes', what: 'by clientId, all keys included', value: bytes, unit: 'B', goal: 600 },
      { name: 'sampledBytes', what: 'the same by MEMORY USAGE of a sample', value: sampledBytes, unit: 'B' },
    ],
    adding: [
      { name: 'addSeconds', what: `all of them, ${IN_FLIGHT} in flight`, value: seconds, unit: 's' },
      ...rateOf('add', `all of them, ${IN_FLIGHT} in flight`, adding),
      {
        name: 'addOwnCpu',
        what: 'CPU of the producer, an add',
        value: each(ownCpuSeconds, jobs),
        unit: 'us',
      },
      { name: 'addRedisCpu', what: 'CPU of Redis, an add', value: each(redisCpuSeconds, jobs), unit: 'us' },
    ],
  };
}

/** What needs a Redis to itself, again and again, but no great many. */
async function inSmall(environment: Environment, { jobs, onProgress, signal }: PartOptions): Promise<Filled> {
  const url = await environment.startRedis('small');
  const count = Math.min(jobs, WEIGHED);
  const weight: Figure[] = [];
  const kinds = [
    { name: 'bytesByUserId', what: 'by UserId', requestOf: REQUESTS.userId },
    { name: 'bytesOfEverything', what: 'by both ids, with a reason', requestOf: REQUESTS.everything },
    {
      name: 'bytesOfEverythingAt512',
      what: 'by both ids, with a reason',
      requestOf: REQUESTS.everything,
      listpack: 512,
    },
    { name: 'bytesByClientIdAt512', what: 'by clientId', requestOf: REQUESTS.clientId, listpack: 512 },
  ];
  for (const { name, what, requestOf, listpack } of kinds) {
    onProgress(`weighing ${count.toLocaleString('en')} deletions ${what}`);
    const { bytes } = await inEmpty(url, async (store) => {
      if (listpack !== undefined) await store.redis.config('SET', 'hash-max-listpack-value', listpack);
      return weigh(store, count, async () => addDeletions(store, { count, requestOf, signal }));
    });
    const setting = listpack === undefined ? '' : `, hash-max-listpack-value ${listpack}`;
    weight.push({ name, what: `${what}${setting}`, value: bytes, unit: 'B' });
  }
  const adding: Figure[] = [];
  for (const inFlight of [1, 10, 1000]) {
    onProgress(`adding ${inFlight} at a time`);
    const added = await inEmpty(url, (store) =>
      addDeletions(store, { count: Math.min(count, 10_000), requestOf: REQUESTS.clientId, inFlight, signal }),
    );
    adding.push(...rateOf(`add${inFlight}`, `${inFlight} in flight`, added));
  }
  return { weight, adding };
}

async function inEmpty<T>(redisUrl: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = openStore(redisUrl);
  try {
    await store.redis.flushall();
    return await work(store);
  } finally {
    store.close();
  }
}

function rateOf(name: string, what: string, { count, seconds, blockedP99Ms }: Added): Figure[] {
  return [
    { name: `${name}PerSecond`, what: `${what}: adds a second`, value: count / seconds, unit: '/s' },
    {
      name: `${name}BlockedP99`,
      what: `${what}: the producer is busy for, p99`,
      value: blockedP99Ms,
      unit: 'ms',
    },
  ];
}

function each(seconds: number, count: number): number {
  return (seconds * 1e6) / count;
}

async function signUpsBeside(
  environment: Environment,
  many: string,
  { jobs, isQuick, rounds, onProgress, signal }: PartOptions,
): Promise<Section> {
  onProgress('signing up beside them');
  const sandbox = await environment.startSandbox();
  const none = await environment.startRedis('none');
  await Promise.all([none, many].map((redis) => environment.startWorker(redis, sandbox)));
  const { besideNoneMs, besideManyMs, ratio, ratioOfRounds } = await compareSignUps(
    { none, many },
    { isQuick, rounds, signal },
  );
  const pending = jobs.toLocaleString('en');
  return {
    title: 'A sign-up, from its job to its event',
    figures: [
      { name: 'signUpBesideNone', what: 'median, no deletion pending', value: besideNoneMs, unit: 'ms' },
      { name: 'signUpBesideMany', what: `median, ${pending} pending`, value: besideManyMs, unit: 'ms' },
      { name: 'signUpRatio', what: 'ratio of the medians', value: ratio, unit: 'x', goal: 1.1 },
      {
        name: 'signUpLeastRatio',
        what: 'least ratio of a round',
        value: Math.min(...ratioOfRounds),
        unit: 'x',
      },
      {
        name: 'signUpMostRatio',
        what: 'greatest ratio of a round',
        value: Math.max(...ratioOfRounds),
        unit: 'x',
      },
    ],
  };
}

async function cancelling(store: Store, { jobs, onProgress }: PartOptions): Promise<Section> {
  onProgress('cancelling and listing');
  return {
    title: 'Cancelling and listing, one at a time',
    figures: await cancelAndList(store.deletions, jobs),
  };
}
