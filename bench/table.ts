/**
 * Prints figures as one table for people.
 */
import { styleText } from 'node:util';
import type { Figure, Section } from './figures.ts';

const WIDTH = 66;

/** The table's lines, a title before the figures of each section. */
export function tableOf(sections: readonly Section[]): string {
  const lines = sections.flatMap(({ title, figures }) => [
    '',
    styleText('bold', `  ${title}`),
    ...figures.map(line),
  ]);
  return [...lines, ''].join('\n');
}

function line({ what, value, unit, goal }: Figure): string {
  const figure = `${rounded(value)} ${unit}`;
  const told = goal === undefined ? '' : `   goal ${rounded(goal)} ${value <= goal ? 'met' : 'MISSED'}`;
  return `  ${what.padEnd(WIDTH)}${figure.padStart(14)}${told}`;
}

/** Three digits that count are more than such a machine repeats. */
function rounded(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
