/**
 * `npm run torture -- --jobs 2000 --seed 1`: kills workers and Redis, loses replies and breaks Damoov while jobs run,
 * then compares what is with what must be. `--redis cluster` or `sentinel` kills masters instead. Exits 0 only if nothing differs.
 */
import { parseArgs, styleText } from 'node:util';
import { REDIS_KINDS, type RedisKind } from '../test/torture/torture-redis.ts';
import { type TortureOptions, type TortureReport, torture } from '../test/torture/torture.ts';

const SHOWN_OF_A_KIND = 10;

const options = readOptions();
const { jobs, seed, workers, kills, redisKills, redis } = options;
console.log(
  styleText(
    'bold',
    `\n${jobs} jobs, seed ${seed}: ${workers} workers, ${kills} kills, ${redisKills} of Redis (${redis})\n`,
  ),
);
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => stop.abort(new Error(`cut off by ${signal}`)));
}
const report = await torture({ ...options, onProgress: showProgress, signal: stop.signal });
showReport(report);
process.exit(report.isClean ? 0 : 1);

function readOptions(): TortureOptions & { redis: RedisKind } {
  const { values } = parseArgs({
    options: {
      jobs: { type: 'string', default: '2000' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      workers: { type: 'string', default: '3' },
      kills: { type: 'string' },
      'redis-kills': { type: 'string', default: '3' },
      redis: { type: 'string', default: 'single' },
    },
  });
  const jobs = wholeNumber('jobs', values.jobs);
  return {
    jobs,
    seed: wholeNumber('seed', values.seed),
    workers: wholeNumber('workers', values.workers),
    kills: wholeNumber('kills', values.kills ?? String(Math.max(5, Math.ceil(jobs / 150)))),
    redisKills: wholeNumber('redis-kills', values['redis-kills']),
    redis: redisKind(values.redis),
  };
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0) return number;
  console.error(`--${name} must be a whole number`);
  process.exit(2);
}

function redisKind(text: string): RedisKind {
  const kind = REDIS_KINDS.find((kind) => kind === text);
  if (kind !== undefined) return kind;
  console.error(`--redis must be one of ${REDIS_KINDS.join(', ')}`);
  process.exit(2);
}

function showProgress(settled: number): void {
  if (process.stdout.isTTY) process.stdout.write(`\r  ${settled} of ${jobs} jobs settled`);
}

function showReport(report: TortureReport): void {
  if (process.stdout.isTTY) process.stdout.write('\r');
  const { injected, counted, verdict, stories, isClean, durationMs, logDir } = report;
  showTable('faults injected', injected);
  showTable('what they met', { ...counted, seconds: Math.round(durationMs / 1000) });
  showTable('differences from', countEach(verdict));
  if (isClean) {
    console.log(styleText('green', '  Nothing differs.\n'));
    return;
  }
  console.log(styleText('red', '  It differs:\n'));
  for (const [claim, findings] of Object.entries(verdict)) {
    for (const { clientId, what } of findings.slice(0, SHOWN_OF_A_KIND)) {
      console.log(`  ${claim}: ${clientId} ${what}`);
    }
  }
  for (const story of stories) console.log(`\n${story}`);
  console.log(`\n  The workers' logs: ${logDir}`);
  const numbers = `--jobs ${jobs} --seed ${seed} --workers ${workers} --kills ${kills}`;
  console.log(`  Again: npm run torture -- ${numbers} --redis-kills ${redisKills} --redis ${redis}\n`);
}

function countEach(verdict: TortureReport['verdict']): Record<string, number> {
  return Object.fromEntries(Object.entries(verdict).map(([claim, { length }]) => [claim, length]));
}

function showTable(title: string, rows: Readonly<Record<string, number>>): void {
  console.log(`  ${styleText('bold', title)}`);
  for (const [name, count] of Object.entries(rows)) {
    console.log(`  ${name.padEnd(32)} ${count.toLocaleString('en').padStart(8)}`);
  }
  console.log();
}
