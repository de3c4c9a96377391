/**
 * Prints figures as one table for people.
 */
import { styleText } from 'node:util';
import type { Figure, Section } from './figures.ts';

const WIDTH = 66;
/** There is no half of one. */
const COUNTED = new Set<Figure['unit']>(['shards', 'workers']);

/** The table's lines, a title before the figures of each section. */
export function tableOf(sections: readonly Section[]): string {
  const lines = sections.flatMap(({ title, figures, notes = [] }) => [
    '',
    styleText('bold', `  ${title}`),
    ...figures.map(line),
    ...notes.map((note) => `  ${note}`),
  ]);
  return [...lines, ''].join('\n');
}

function line({ what, value, unit, range, ...goal }: Figure): string {
  const figure = `${COUNTED.has(unit) ? value : rounded(value)} ${unit}`;
  const told = range === undefined ? '' : `   ${rounded(range[0])} to ${rounded(range[1])}`;
  return `  ${what.padEnd(WIDTH)}${figure.padStart(14)}${told}${decision(value, goal)}`;
}

function decision(value: number, { goal, goalIs }: Pick<Figure, 'goal' | 'goalIs'>): string {
  if (goal === undefined) return '';
  const isMet = goalIs === 'at least' ? value >= goal : value <= goal;
  return `   goal ${goalIs === undefined ? '' : `${goalIs} `}${rounded(goal)} ${isMet ? 'met' : 'MISSED'}`;
}

/** Three digits that count are more than such a machine repeats. */
function rounded(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
