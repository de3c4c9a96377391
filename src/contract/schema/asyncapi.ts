/**
 * The two queues as an AsyncAPI 3 document: the jobs the service takes and the events it publishes, with the default names.
 */
import { type JsonSchema, eventSchemas, jobSchemas } from './json-schema.ts';

/** @param version of the package. */
export function asyncApi(version: string): JsonSchema {
  const jobs = jobSchemas();
  const events = eventSchemas();
  return {
    asyncapi: '3.0.0',
    id: 'urn:damoov-user-lifecycle:queues',
    info: {
      title: 'damoov-user-lifecycle',
      version,
      description:
        'Provisions, updates and deletes Damoov users. Every job ends in exactly one event id. ' +
        'Messages are BullMQ jobs under the prefix `{damoov}`: the name of a message is the name of the job, its payload the data.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    servers: {
      redis: {
        host: 'localhost:6379',
        protocol: 'redis',
        description: 'The Redis of the queues: REDIS_URL, REDIS_SENTINELS or REDIS_CLUSTER_NODES.',
      },
    },
    channels: {
      jobs: {
        address: 'user-jobs',
        title: 'Jobs',
        description:
          'The queue that producers add to (JOBS_QUEUE). A job needs no options; a delay defers it.',
        servers: [reference('servers', 'redis')],
        messages: messagesOf(Object.keys(jobs)),
      },
      events: {
        address: 'user-events',
        title: 'Events',
        description:
          'CloudEvents 1.0, in each queue of EVENTS_QUEUES: one for every subscribing service. Delivered at least once, with the same id.',
        servers: [reference('servers', 'redis')],
        messages: messagesOf(Object.keys(events)),
      },
    },
    operations: {
      carryOutJobs: operationOn('receive', 'jobs', 'Carries out jobs, one at a time for each user.'),
      publishEvents: operationOn('send', 'events', 'Publishes the outcome of each job.'),
    },
    components: {
      messages: {
        ...messages(jobs, '$message.payload#/correlationId'),
        ...messages(events, '$message.payload#/data/correlationId'),
      },
      schemas: { ...jobs, ...events },
    },
  };
}

function messages(schemas: Record<string, JsonSchema>, correlationId: string): JsonSchema {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { title, description, examples }]) => [
      name,
      {
        name,
        title,
        summary: description,
        contentType: 'application/json',
        correlationId: { location: correlationId },
        payload: reference('components/schemas', name),
        examples: Array.isArray(examples) ? examples.map((payload: unknown) => ({ payload })) : [],
      },
    ]),
  );
}

function messagesOf(names: readonly string[]): JsonSchema {
  return Object.fromEntries(names.map((name) => [name, reference('components/messages', name)]));
}

function operationOn(action: 'send' | 'receive', channel: string, summary: string): JsonSchema {
  return { action, channel: reference('channels', channel), summary };
}

function reference(where: string, name: string): { $ref: string } {
  return { $ref: `#/${where}/${name}` };
}
