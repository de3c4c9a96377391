/**
 * `npm run bench -- [PART] [--quick] [--json]`: measures parts of the product and prints what they came to. Knows the command
 * line; a goal that is missed is told, and no reason to fail.
 */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { backlog } from './backlog.ts';
import { bytes } from './bytes.ts';
import { capacity } from './capacity.ts';
import { deletions } from './deletions.ts';
import type { Figure, Section } from './figures.ts';
import { idle } from './idle.ts';
import { importing } from './importing.ts';
import { latency } from './latency.ts';
import { memory } from './memory.ts';
import { micro } from './micro.ts';
import { PartUnavailableError } from './part.ts';
import { peers } from './peers.ts';
import { pipeline } from './pipeline.ts';
import { sequential } from './sequential.ts';
import { tableOf } from './table.ts';
import { workers } from './workers.ts';

const PARTS = {
  pipeline,
  sequential,
  workers,
  latency,
  backlog,
  memory,
  bytes,
  micro,
  deletions,
  capacity,
  idle,
  import: importing,
  peers,
};

const QUICK_JOBS = 10_000;
const FULL_JOBS = 1_000_000;
const LEAST_JOBS = 200;

const { parts, isNamed, jobs, rounds, isQuick, isJson } = readArguments();
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => stop.abort(new Error(`cut off by ${signal}`)));
}
const machine = { cores: cpus().length, node: process.version, loadBefore: loadavg()[0] ?? 0 };
if (!isJson) console.log(`\n  ${machine.cores} cores, Node ${machine.node}, load ${machine.loadBefore}`);
for (const name of parts) {
  const startedAt = performance.now();
  const onProgress = (step: string) => {
    stop.signal.throwIfAborted();
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    console.error(`  ${name}, ${seconds} s: ${step} …`);
  };
  try {
    show(name, await PARTS[name]({ jobs, rounds, isQuick, onProgress, signal: stop.signal }));
  } catch (error) {
    skip(name, error);
  }
}
process.exit();

/** Without what it needs a part is left out; it fails the run only if it was asked for by name. */
function skip(part: string, error: unknown): void {
  if (!(error instanceof PartUnavailableError)) throw error;
  console.error(`${part}: ${error.message}`);
  if (isNamed) process.exitCode = 2;
}

function show(part: string, sections: readonly Section[]): void {
  if (!isJson) return console.log(tableOf(sections));
  const figures = sections.flatMap(({ figures }) => figures.flatMap(namedValues));
  const notes = sections.flatMap(({ notes = [] }) => notes);
  console.log(
    JSON.stringify({
      part,
      jobs,
      machine,
      figures: Object.fromEntries(figures),
      ...(notes.length > 0 && { notes }),
    }),
  );
}

function namedValues({ name, value, range }: Figure): [string, number][] {
  if (range === undefined) return [[name, value]];
  return [
    [name, value],
    [`${name}Least`, range[0]],
    [`${name}Greatest`, range[1]],
  ];
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        jobs: { type: 'string' },
        rounds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    const unknown = positionals.find((name) => !isPart(name));
    if (unknown !== undefined) fail(`unknown part "${unknown}"; there are: ${Object.keys(PARTS).join(', ')}`);
    const jobs = Number(values.jobs ?? (values.quick ? QUICK_JOBS : FULL_JOBS));
    if (!Number.isInteger(jobs) || jobs < LEAST_JOBS)
      fail(`--jobs must be a whole number from ${LEAST_JOBS} on`);
    const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
    if (rounds !== undefined && !(Number.isInteger(rounds) && rounds >= 1))
      fail('--rounds must be a whole number from 1 on');
    const named = positionals.filter(isPart);
    return {
      isNamed: named.length > 0,
      parts: named.length > 0 ? named : Object.keys(PARTS).filter(isPart),
      jobs,
      rounds,
      isQuick: values.quick,
      isJson: values.json,
    };
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function isPart(name: string): name is keyof typeof PARTS {
  return Object.hasOwn(PARTS, name);
}

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}
