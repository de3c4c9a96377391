/**
 * Finds the mutations of a Lua script, line by line. It relies on the layout of our scripts: each statement begins a line, and
 * `end` has the indentation of the line that it ends. Comments and strings are not mutated.
 */
import type { Edit } from './mutant.ts';

type Found = Omit<Edit, 'inFunction'>;

const OPERATORS: Readonly<Record<string, [operator: string, replacement: string]>> = {
  '<': ['bound moved', '<='],
  '<=': ['bound moved', '<'],
  '>': ['bound moved', '>='],
  '>=': ['bound moved', '>'],
  '==': ['equality inverted', '~='],
  '~=': ['equality inverted', '=='],
  and: ['and or or swapped', 'or'],
  or: ['and or or swapped', 'and'],
};

interface Line {
  readonly text: string;
  /** The text with strings and comments blanked out. */
  readonly code: string;
  readonly start: number;
  /** How many brackets are open where the line begins. */
  readonly depth: number;
}

export function luaEdits(text: string): Edit[] {
  const lines = linesOf(text);
  let inFunction = '';
  return lines.flatMap((line, at) => {
    const name = /^local function (\w+)/.exec(line.code)?.[1];
    if (name !== undefined) inFunction = name;
    const edits = editsOf(line, lines.slice(at + 1)).map((edit) => ({ ...edit, at: line.start, inFunction }));
    if (/^end\b/.test(line.code)) inFunction = '';
    return edits;
  });
}

function linesOf(text: string): Line[] {
  let start = 0;
  let depth = 0;
  return text.split('\n').map((text) => {
    const code = text
      .replaceAll(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g, (quoted) => `'${'_'.repeat(quoted.length - 2)}'`)
      .replace(/--.*/, (comment) => ' '.repeat(comment.length));
    const line = { text, code, start, depth };
    start += text.length + 1;
    depth += (code.match(/[({[]/g)?.length ?? 0) - (code.match(/[)}\]]/g)?.length ?? 0);
    return line;
  });
}

function editsOf(line: Line, below: readonly Line[]): Omit<Found, 'at'>[] {
  const { text, code, start } = line;
  const within = (operator: string, from: number, to: number, replacement: string) => ({
    operator,
    start: start + from,
    end: start + to,
    replacement,
  });
  const edits = [...code.matchAll(/(?<![<>=~])(?:<=?|>=?|==|~=)(?!=)|\b(?:and|or)\b/g)].flatMap((match) => {
    const [operator, replacement] = OPERATORS[match[0]] ?? [];
    if (operator === undefined || replacement === undefined) return [];
    return [within(operator, match.index, match.index + match[0].length, replacement)];
  });
  const condition = /^(\s*(?:else)?if )(.+?) then\b/.exec(code);
  // An inverted equality is the same as a negated one.
  const isListed = edits.length === 1 && edits[0]?.operator === 'equality inverted';
  if (condition !== null && !isListed) {
    const [, before = '', tested = ''] = condition;
    const to = before.length + tested.length;
    edits.push(within('condition negated', before.length, to, `not (${text.slice(before.length, to)})`));
  }
  const lifetime = /, '__', (?:[^(),]|\((?:[^()]|\([^()]*\))*\))+(?=\)+$)/.exec(code);
  if (lifetime !== null && /^, '[EP]X'/.test(text.slice(lifetime.index))) {
    edits.push(within('expiry removed', lifetime.index, lifetime.index + lifetime[0].length, ''));
  }
  if (isCall(line, below)) {
    const operator = /'P?EXPIRE(?:AT)?'/.test(text) ? 'expiry removed' : 'call removed';
    edits.push(within(operator, text.search(/\S/), text.length, ''));
  }
  const guard = guardLength(line, below);
  if (guard > 0) {
    const last = below[guard - 1] ?? line;
    edits.push(within('guard removed', text.search(/\S/), last.start + last.text.length - start, ''));
  }
  return edits;
}

/** Whether the line is one complete call whose result is not used. */
function isCall({ code, depth }: Line, below: readonly Line[]): boolean {
  const call = code.trim();
  if (depth !== 0 || !/^(?!return\b|if\b)[A-Za-z_][\w.]*\(.*\)$/.test(call)) return false;
  // The first bracket must be closed by the last: `f(x) or g(y)` is no statement.
  let open = 0;
  for (const bracket of call.matchAll(/[()]/g)) {
    open += bracket[0] === '(' ? 1 : -1;
    if (open === 0 && bracket.index < call.length - 1) return false;
  }
  return open === 0 && !/^\s*(?:and|or|\.\.|[-+*/<>=~])/.test(below[0]?.code ?? '');
}

/** How many lines below belong to an `if` that ends with a return and has no `else`; 0 if it is no such guard. */
function guardLength({ code, depth }: Line, below: readonly Line[]): number {
  if (depth !== 0 || !/^\s*if .* then\s*$/.test(code)) return 0;
  const indent = ' '.repeat(code.search(/\S/));
  const end = below.findIndex(
    ({ code }) => code.startsWith(indent) && /^(?:end|else)/.test(code.slice(indent.length)),
  );
  if (below[end]?.code.trim() !== 'end') return 0;
  // A return may span lines: look at the last line that begins a statement.
  const last = below
    .slice(0, end)
    .findLast(({ code }) => /^\S/.test(code.slice(indent.length + 2)) && !/^[})]/.test(code.trim()));
  return /^(?:return|error)\b/.test(last?.code.trim() ?? '') ? end + 1 : 0;
}
