import { globSync, readFileSync } from 'node:fs';
import { type Expression, parseSync, Visitor } from 'oxc-parser';
import { describe, expect, it } from 'vitest';
import { type Counted, counted } from './count-steps.ts';

interface Pattern {
  where: string;
  source: string;
  flags: string;
}

/** Every pattern of the product, and where one is made while the program runs. */
function patternsIn(file: string): { patterns: Pattern[]; made: string[] } {
  const text = readFileSync(file, 'utf8');
  const patterns: Pattern[] = [];
  const made: string[] = [];
  const where = (at: number) => `${file}:${text.slice(0, at).split('\n').length}`;
  const note = (callee: Expression, at: number) => {
    if (callee.type === 'Identifier' && callee.name === 'RegExp') made.push(where(at));
  };
  new Visitor({
    Literal(node) {
      if ('regex' in node)
        patterns.push({ where: where(node.start), source: node.regex.pattern, flags: node.regex.flags });
    },
    NewExpression: ({ callee, start }) => note(callee, start),
    CallExpression: ({ callee, start }) => note(callee, start),
  }).visit(parseSync(file, text).program);
  return { patterns, made };
}

const found = globSync('src/**/*.{ts,js}').map(patternsIn);
const patterns = found.flatMap(({ patterns }) => patterns);

const CHARACTERS = [
  ...Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)),
  'é',
  '\u00A0',
  '\u2028',
  '\uFEFF',
];
/** Breaks a match off at the end of a run. */
const ENDS = ['', '\u0001', '\n'];

/** One character for each set of atoms that match it. */
function kinds({ atoms }: Counted): string[] {
  const byAtoms = new Map<string, string>();
  for (const character of CHARACTERS.toReversed())
    byAtoms.set(atoms.map((atom) => (atom.matches(character) ? 1 : 0)).join(''), character);
  return [...byAtoms.values()];
}

/** What may be repeated: each kind of character, and each part of what the pattern matches, behind what stands before it or not. */
function* runsFor(pattern: Counted): Generator<(length: number) => string> {
  const samples = pattern.atoms.map(
    (atom) => CHARACTERS.toReversed().find((one) => atom.matches(one)) ?? 'x',
  );
  const parts = samples.flatMap((_, from) =>
    [1, 2, 3, 4, 6, 8, samples.length].map((length) => samples.slice(from, from + length).join('')),
  );
  const befores = ['', ...pattern.repeats.map((to) => samples.slice(0, to).join(''))];
  const each = (part: string, before: string, end: string) => (length: number) =>
    before + part.repeat(Math.ceil(length / part.length)) + end;
  for (const end of ENDS) {
    for (const part of new Set([...parts, ...befores])) if (part !== '') yield each(part, '', end);
    for (const kind of kinds(pattern)) for (const before of new Set(befores)) yield each(kind, before, end);
  }
}

const LENGTH = 100;

/** Where the work more than doubles with the length: the part of the text that is repeated. */
function growsFasterThan(pattern: Counted): string | undefined {
  for (const run of runsFor(pattern)) {
    const [short, long] = [pattern.steps(run(LENGTH)), pattern.steps(run(2 * LENGTH))];
    // Twice as many are in proportion, four times as many are the square.
    if (long > 3 * short + LENGTH) return JSON.stringify(run(20));
  }
  return undefined;
}

describe('every pattern of the product', () => {
  it('is written in the code: none is made of what comes from outside', () => {
    expect(patterns.length).toBeGreaterThan(40);
    expect(found.flatMap(({ made }) => made)).toEqual([]);
  });

  it.each(patterns)('takes time in proportion to its input: $where', ({ source, flags }) => {
    expect(growsFasterThan(counted(source, flags))).toBeUndefined();
  });
});

describe('the count of steps', () => {
  it.each([
    String.raw`[^\s@]+@[^\s@]+`,
    String.raw`\/+$`,
    String.raw`([\w-]+\.[jt]s:\d+):\d+`,
    String.raw`^a\s*=\s*([\x20-\x7e]*)$`,
    '^(.*)x(.*)y$',
    '<link[^>]*https:[^>]*>',
    '^(a|aa)*$',
    '^(?:[a-z]+-?)+$',
    '.*?;',
  ])('finds the growth of %s', (source) => {
    let grows: unknown;
    try {
      grows = growsFasterThan(counted(source, ''));
    } catch (error) {
      grows = error;
    }
    expect(grows).toBeDefined();
  });

  it.each([
    ['^[^{]*{[^}]+}'.replaceAll('{', String.raw`\{`), ''],
    [String.raw`(?<!\/)\/+$`, ''],
    [String.raw`\b(?:OOM|READONLY)\b`, 'i'],
    [String.raw`[\w-]{1,80}\.ts`, ''],
    [String.raw`\d+(?:\.\d+)*`, 'g'],
    [String.raw`(?=a)[ab]{3,}?c?`, 's'],
  ])('finds none in %s', (source, flags) => {
    expect(growsFasterThan(counted(source, flags))).toBeUndefined();
  });

  it('matches as the language does', () => {
    const { steps } = counted('^ab', '');
    // Three at the first place, one at each of the others.
    expect(steps('abab')).toBe(3 + 3);
  });
});
