/**
 * `npm run mutants [-- PATH…]`: makes one small fault in the sources at a time and runs the nearest tests. Exits 1 if no test fails
 * and scripts/mutants/survivors.json does not list the fault.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { keyOf } from './mutants/mutant.ts';
import { ROOMS, nearestTests } from './mutants/nearest-tests.ts';
import { reportOf, reportText } from './mutants/report.ts';
import { type TestedMutant, runMutants } from './mutants/run-mutants.ts';
import { selectMutants } from './mutants/select-mutants.ts';
import { acceptedSurvivors } from './mutants/survivors.ts';

const USAGE = `npm run mutants [-- PATH…] [options]
  PATH              a folder, a file or file:line; default: ${ROOMS.map((room) => `src/${room}`).join(' ')}
  --changed [REV]   only lines that differ from REV (default HEAD~1), by default in all of src
  --most N          a random sample of this size
  --seed S          another sample
  --near            only the file's own test and those of its room
  --jobs N          number of runners (default 2)
  --least PERCENT   exit 1 if fewer are killed
  --json            print JSON
`;

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const { paths, options } = orUsage(readArguments);
const accepted = acceptedSurvivors();
const acceptedKeys = new Set(accepted.map(keyOf));
const selected = orUsage(() => selectMutants(root, { paths, ...options }));
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => interrupted.abort(new Error(`cut off by ${signal}`)));

try {
  const tested = await runMutants({
    root,
    ...selected,
    jobs: options.jobs,
    // Accepted survivors would take the most time, as they pass every ring.
    ringsOf: (mutant) =>
      nearestTests(root, mutant.file).slice(0, options.near || acceptedKeys.has(keyOf(mutant)) ? 2 : 3),
    onUnmutated: (test) => showProgress(`without a mutant: ${test}`),
    onMutant: showMutant,
    signal: interrupted.signal,
  });
  showProgress('');
  const report = reportOf(tested, accepted, selected);
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : reportText(report));
  process.exitCode = report.survivors.length > 0 || report.all.share * 100 < options.least ? 1 : 0;
} catch (error) {
  showProgress('');
  const { aborted, reason } = interrupted.signal;
  console.error(((aborted ? reason : error) as Error).message);
  process.exitCode = aborted ? 130 : 1;
}

function readArguments() {
  const { values, positionals } = parseArgs({
    args: withRevision(process.argv.slice(2)),
    allowPositionals: true,
    options: {
      changed: { type: 'string' },
      most: { type: 'string' },
      seed: { type: 'string', default: '1' },
      near: { type: 'boolean', default: false },
      jobs: { type: 'string', default: '2' },
      least: { type: 'string', default: '0' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit();
  }
  const byDefault = values.changed === undefined ? ROOMS.map((room) => `src/${room}`) : ['src'];
  return {
    paths: positionals.length > 0 ? positionals : byDefault,
    options: {
      changedSince: values.changed,
      most: values.most === undefined ? undefined : number('most', values.most),
      seed: values.seed,
      near: values.near,
      jobs: Math.max(1, number('jobs', values.jobs)),
      least: number('least', values.least),
      json: values.json,
    },
  };
}

/** `--changed` may stand alone. */
function withRevision(args: readonly string[]): string[] {
  return args.map((arg, at) => {
    const next = args[at + 1];
    return arg === '--changed' && (next === undefined || /^(?:-|src\b)/.test(next))
      ? '--changed=HEAD~1'
      : arg;
  });
}

function number(name: string, text: string): number {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text);
  throw new Error(`--${name} must be a number`);
}

function orUsage<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

function showMutant({ mutant, end }: TestedMutant, done: number): void {
  const isNews = end === 'survived' && !acceptedKeys.has(keyOf(mutant));
  if (isNews) showProgress(`survived: ${mutant.file}:${mutant.line} ${mutant.operator}\n`);
  showProgress(`${done} of ${selected.mutants.length} mutants${done % 100 === 0 ? '\n' : ''}`);
}

/** A terminal has one line that is written over, a file gets only whole lines. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`);
  else if (text.endsWith('\n')) process.stderr.write(text);
}
