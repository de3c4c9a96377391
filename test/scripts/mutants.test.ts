import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { luaEdits } from '../../scripts/mutants/lua-edits.ts';
import { type Mutant, difference, idOf, keyOf, toMutants } from '../../scripts/mutants/mutant.ts';
import { FROM_OUTSIDE, ROOMS, nearestTests } from '../../scripts/mutants/nearest-tests.ts';
import { processesIn } from '../../scripts/mutants/processes.ts';
import { reportOf, reportText } from '../../scripts/mutants/report.ts';
import { runMutants } from '../../scripts/mutants/run-mutants.ts';
import { mutantsOf as mutantsIn, selectMutants } from '../../scripts/mutants/select-mutants.ts';
import { acceptedSurvivors } from '../../scripts/mutants/survivors.ts';
import { typescriptEdits } from '../../scripts/mutants/typescript-edits.ts';

const mutantsOf = (text: string) => toMutants('src/x.ts', text, typescriptEdits('src/x.ts', text));
const luaMutantsOf = (text: string) => toMutants('src/x.lua', text, luaEdits(text));

function shown(text: string, mutants: Mutant[]): string[] {
  return mutants.map((mutant) => `${mutant.operator}: ${difference(text, mutant).after}`);
}

it.each([
  ['if (!ready) wait();', ['condition negated: if (ready) wait();', 'call removed: if (!ready) ;']],
  ['const a = b ? 1 : 2;', ['condition negated: const a = !(b) ? 1 : 2;']],
  ['while (a < b) a++;', ['condition negated: while (!(a < b)) a++;', 'bound moved: while (a <= b) a++;']],
  // Negated, it would be the same.
  ['if (a === b) c = 1;', ['condition negated: if (a !== b) c = 1;']],
  ['x = a && (b || c);', ['&& or || swapped: x = a || (b || c);', '&& or || swapped: x = a && (b && c);']],
  ['x = a && b || c;', ['&& or || swapped: x = (a || b) || c;', '&& or || swapped: x = (a && b) && c;']],
  [
    'if (!(a || b)) c = 1;',
    ['condition negated: if ((a || b)) c = 1;', '&& or || swapped: if (!(a && b)) c = 1;'],
  ],
  ['x = a && (() => b);', ['&& or || swapped: x = a || (() => b);']],
  ['x = a && go();', ['condition negated: x = !(a) && go();', '&& or || swapped: x = a || go();']],
  ['x = () => a ?? {};', ['?? right dropped: x = () => a;', '?? left dropped: x = () => ({});']],
  ['await f(); void g(); h?.();', ['; void g(); h?.();', 'await f(); ; h?.();', 'await f(); void g(); ;']],
  ['x = { ...a, b: c ? 1 : 2 };', ['{ b: c ? 1 : 2 };', '{ ...a, };', '{ ...a, b: !(c) ? 1 : 2 };']],
])('%s has these mutants and no others', (text, expected) => {
  const found = shown(text, mutantsOf(text));
  expect(found).toHaveLength(expected.length);
  expected.forEach((end, at) => expect(found[at]?.endsWith(end)).toBe(true));
});

it('leaves imports, types, texts, logging, comments and never checks alone', () => {
  const text = `import { a } from 'a < b';
type A<T> = T extends string ? 1 : 2; // if (a && b) c();
log.info('a && b');
export const b: A<'x < y'> = a as never;
const rest: never = a === b;
`;
  expect(mutantsOf(text)).toEqual([]);
});

const GUARDED = `export function first(list: string[]) {
  for (const one of list) {
    if (one === '') continue;
    if (one > 'm') {
      tell(one);
      return one;
    }
  }
}
`;

it('removes guards as a whole', () => {
  const guards = mutantsOf(GUARDED).filter(({ operator }) => operator === 'guard removed');
  expect(guards.map(({ line, replacement }) => [line, replacement])).toEqual([
    [3, ';'],
    [4, ';'],
  ]);
});

it('knows a mutant again after an edit elsewhere in the file', () => {
  const edited = `const added = a && b;\n\n${GUARDED}`.replace("'m'", "'m'/* letter */");
  const ids = mutantsOf(edited).map(idOf);
  const unedited = mutantsOf(GUARDED).filter(({ source }) => !source.includes("'m'"));
  expect(unedited.length).toBeGreaterThan(2);
  for (const mutant of unedited) expect(ids).toContainEqual(idOf(mutant));
});

it('mutates Lua by lines', () => {
  const text = `-- if a == b then
local function get(key)
  if key == '' or not key then
    return nil
  end
  return redis.call('GET', key)
end
if #ARGV > 1 then
  redis.call('SET', 'a and b', get(KEYS[1]), 'PX', tonumber(ARGV[1]))
  redis.call('PEXPIRE', KEYS[1], 5)
elseif x ~= y then
  z = 1
end
`;
  const mutants = luaMutantsOf(text);
  expect(shown(text, mutants)).toEqual([
    'guard removed: ',
    "condition negated: if not (key == '' or not key) then",
    "equality inverted: if key ~= '' or not key then",
    "and or or swapped: if key == '' and not key then",
    'condition negated: if not (#ARGV > 1) then',
    'bound moved: if #ARGV >= 1 then',
    'call removed: ',
    "expiry removed: redis.call('SET', 'a and b', get(KEYS[1]))",
    'expiry removed: ',
    'equality inverted: elseif x == y then',
  ]);
  expect(mutants.map(({ inFunction }) => inFunction).slice(3, 5)).toEqual(['get', '']);
});

it('asks the own test first, then the room, then tests from outside', () => {
  const [own, room, outside] = nearestTests('.', 'src/contract/version.ts');
  expect(own).toEqual(['test/contract/version.test.ts']);
  expect(room).toContain('test/contract/job.test.ts');
  expect(outside).toContain('test/integration/pipeline.test.ts');
});

it('accepts only survivors that are mutants of the sources as they are', () => {
  const accepted = acceptedSurvivors();
  const files = new Set(accepted.map(({ file }) => file));
  const known = [...files].flatMap((file) =>
    existsSync(file) ? mutantsIn(file, readFileSync(file, 'utf8')).map(keyOf) : [],
  );
  expect(accepted.filter((survivor) => !known.includes(keyOf(survivor)))).toEqual([]);
});

it('knows only rooms and tests that are there', () => {
  for (const room of [...ROOMS, ...Object.keys(FROM_OUTSIDE)])
    expect(existsSync(`src/${room}`), room).toBe(true);
  for (const name of new Set(Object.values(FROM_OUTSIDE).flat())) {
    expect(existsSync(`test/${name}.test.ts`) || existsSync(`test/${name}`), name).toBe(true);
  }
});

/** A project of one source file and its test, with the packages of this one. */
async function project(files: Record<string, string>): Promise<string> {
  const root = resolve('.data', `mutants-of-test-${process.pid}`);
  onTestFinished(async () => rm(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(resolve(root, path)), { recursive: true });
    await writeFile(resolve(root, path), text);
  }
  execFileSync('git', ['init', '--quiet'], { cwd: root });
  return root;
}

const CONFIG = "export default { test: { include: ['test/**/*.test.ts'], tags: [{ name: 'slow' }] } };\n";
const SUM = `export function sum(list: number[], from?: number): number {
  let total = from ?? 0;
  if (list.length > 9) console.error('long');
  for (const one of list) total += one;
  while (list.at(-1) === 0) list.pop();
  return total;
}
`;
const SUM_TEST = `import { expect, it } from 'vitest';
import { sum } from '../../src/math/sum.ts';
it('adds', () => expect(sum([1, 2, 0])).toBe(3));
`;

it('tells what tests notice from what they do not, and leaves nothing behind', async () => {
  const root = await project({
    'vitest.config.ts': CONFIG,
    'src/math/sum.ts': SUM,
    'test/math/sum.test.ts': SUM_TEST,
  });
  const selected = selectMutants(root, { paths: ['src'], seed: '1' });
  const ringsOf = ({ file }: Mutant) => nearestTests(root, file);
  const { mutants } = selected;
  const endless = mutants.filter(({ operator }) => operator === 'call removed');
  const others = mutants.filter((mutant) => !endless.includes(mutant));
  const tested = [
    ...(await runMutants({ root, ...selected, mutants: others, ringsOf, jobs: 1 })),
    ...(await runMutants({ root, ...selected, mutants: endless, ringsOf, jobs: 1, graceMs: 0 })),
  ];

  const ends = Map.groupBy(tested, ({ end }) => end);
  const told = (end: 'killed' | 'timed out' | 'survived') =>
    ends.get(end)?.map(({ mutant }) => `${mutant.line} ${mutant.operator}`);
  expect(told('killed')).toEqual(['2 ?? right dropped']);
  expect(told('timed out')).toEqual(['5 call removed']);
  const alive = ['2 ?? left dropped', '3 condition negated', '3 bound moved', '5 condition negated'];
  expect(told('survived')).toEqual(alive);
  expect(existsSync(resolve(root, '.data/mutants'))).toBe(false);
  expect(processesIn(root)).toEqual([]);

  const [dropped, negated, moved, last] = ends.get('survived') ?? [];
  const [killed] = ends.get('killed') ?? [];
  const accept = (of: typeof killed, kind: 'equivalent' | 'left') =>
    of === undefined ? [] : [{ ...idOf(of.mutant), kind, reason: 'x' }];
  const gone = { ...accept(killed, 'left')[0], index: 7 };
  const report = reportOf(
    tested,
    [
      ...accept(dropped, 'equivalent'),
      ...accept(negated, 'left'),
      ...accept(last, 'left'),
      ...accept(killed, 'left'),
    ].concat(gone as never),
    selected,
  );
  expect(report.rooms['math']).toEqual({
    mutants: 6,
    killed: 1,
    timedOut: 1,
    equivalent: 1,
    left: 2,
    survived: 1,
    share: 2 / 5,
  });
  expect(report.killedThough).toEqual([killed && idOf(killed.mutant)]);
  expect(report.gone).toHaveLength(1);
  expect(report.survivors).toEqual([
    {
      ...(moved && idOf(moved.mutant)),
      line: 3,
      before: "if (list.length > 9) console.error('long');",
      after: "if (list.length >= 9) console.error('long');",
    },
  ]);
  expect(reportText(report)).toContain('npm run mutants -- src/math/sum.ts:3');
});

it('stops if a test fails without a mutant', async () => {
  const root = await project({
    'vitest.config.ts': CONFIG,
    'src/math/sum.ts': SUM,
    'test/math/sum.test.ts': SUM_TEST.replace('toBe(3)', 'toBe(4)'),
  });
  const selected = selectMutants(root, { paths: ['src'], seed: '1' });
  const ringsOf = ({ file }: Mutant) => nearestTests(root, file);
  await expect(runMutants({ root, ...selected, ringsOf, jobs: 1 })).rejects.toThrow(
    'test/math/sum.test.ts fails without a mutant: adds: expected 3 to be 4',
  );
  expect(existsSync(resolve(root, '.data/mutants'))).toBe(false);
});
