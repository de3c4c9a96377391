/**
 * BullMQ is used by its public interface only: nothing in src knows how it keeps a queue in Redis. A name that a queue's key or a job's
 * field has may well stand in a text or be a state of BullMQ's types; it must not stand where it addresses something in Redis.
 */
import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** What BullMQ calls the keys of a queue, after its prefix and name. */
const KEYS = [
  'active',
  'completed',
  'de',
  'delayed',
  'events',
  'failed',
  'id',
  'limiter',
  'marker',
  'meta',
  'paused',
  'pc',
  'prioritized',
  'priority',
  'repeat',
  'stalled',
  'stalled-check',
  'wait',
  'waiting-children',
].join('|');

/** What BullMQ calls the fields of a job; without names that a hash of ours may well have. */
const FIELDS = [
  'atm',
  'ats',
  'defa',
  'deid',
  'failedReason',
  'finishedOn',
  'opts',
  'parentKey',
  'pb',
  'processedOn',
  'returnvalue',
  'rjk',
  'stacktrace',
  'stc',
].join('|');

/** Marks of our own in BullMQ's job hashes, which there must not be. */
const MARKS = 'back|br|cx|go|pk|queuedAt|rt|tl';

// The budget of logins has a key of ours with such a name.
const RULES: { what: string; files: RegExp; pattern: RegExp }[] = [
  {
    what: 'import a file inside the package of BullMQ',
    files: /\.ts$/,
    pattern: /['"]bullmq\/[^'"]*['"]/,
  },
  {
    what: 'build a key of a queue',
    files: /\.ts$/,
    pattern: new RegExp(`\\btoKey\\(|\\.keys(?:\\.(?:${KEYS})\\b|\\[)`),
  },
  {
    what: 'append the name of a key of a queue',
    files: /(?<!login-budget)\.ts$/,
    pattern: new RegExp(`(?<!\\bnode):(?:${KEYS})[\`'"]`),
  },
  {
    what: 'append the name of a key of a queue',
    files: /\.lua$/,
    pattern: new RegExp(`\\.\\.\\s*':?(?:${KEYS})'`),
  },
  {
    what: 'address a field of a job, or a mark in one',
    files: /\.ts$/,
    pattern: new RegExp(`\\.h(?:get|set|mget|del|exists|strlen|incrby)\\([^;]*?'(?:${FIELDS}|${MARKS})'`),
  },
  {
    what: 'address a field of a job, or a mark in one',
    files: /\.lua$/,
    pattern: new RegExp(`'H[A-Z]+'[^\\n]*'(?:${FIELDS}|${MARKS})'`),
  },
  {
    what: 'know how a score is made',
    files: /\.(?:ts|lua)$/,
    pattern: /\bSCORE_PER_MS\b|[*/] ?4096\b|2 ?\^ ?32\b/,
  },
  {
    what: 'read or write a stream, but the one of our own',
    files: /(?<!audit-log)\.(?:ts|lua)$/,
    pattern: /\bx(?:add|read|range|revrange|del|trim)\(|'X[A-Z]+'/,
  },
  {
    what: 'extend a class of BullMQ, whose protected members could be used then',
    files: /\.ts$/,
    pattern:
      /extends (?:Worker|Queue|QueueEvents|Job|QueueBase|QueueGetters|RedisQueueBackend|FlowProducer)\b/,
  },
];

/** The one file that may use protected members, each with its reason. */
const PROTECTED = 'src/bullmq/protected-members.ts';

const files = globSync('src/**/*.{ts,lua}').filter((file) => file !== PROTECTED);

describe('no file of src', () => {
  it.each(RULES)('may $what: $pattern', ({ files: which, pattern }) => {
    const found = files
      .filter((file) => which.test(file))
      .filter((file) => pattern.test(readFileSync(file, 'utf8')));
    expect(found).toEqual([]);
  });
});

it.each(files.filter((file) => file.endsWith('.lua')))('%s has at most 120 lines', (file) => {
  expect(readFileSync(file, 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(120);
});

it.each([
  [0, "import { x } from 'bullmq/dist/esm/scripts/x-1.js';"],
  [1, "queue.toKey('wait')"],
  [1, 'queue.keys.wait'],
  [2, '`${prefix}:user-jobs:failed`'],
  [3, "redis.call('ZCARD', base .. 'delayed')"],
  [4, "redis.hset(key, 'finishedOn', 1)"],
  [5, "redis.call('HDEL', base .. jobId, 'br')"],
  [6, 'score / 4096'],
  [7, "redis.xread('STREAMS', key, '0')"],
  [7, "redis.call('XADD', key, '*')"],
  [8, 'class Mine extends Worker<string> {}'],
])('the rule %i sees: %s', (index, text) => {
  expect(RULES[index]?.pattern.test(text)).toBe(true);
});
