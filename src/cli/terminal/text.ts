/**
 * Text that several commands show: counts, tables, ids of others, and JSON for machines.
 */
import { instantText } from '../../contract/duration.ts';

/** `1 event`, `1,234 events`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${numberText(count)} ${count === 1 ? one : many}`;
}

export function numberText(count: number): string {
  return count.toLocaleString('en-US');
}

/** Ids of others may hold line breaks, and what a terminal takes for commands. */
export function onOneLine(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ');
}

/** Columns as wide as their widest cell; the last one ends where it ends. */
export function aligned(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/**
 * One line of JSON for machines. A number whose name says that it is a point in time (`dueAt`, `openSince`, `barredUntil`) becomes
 * ISO 8601; null if no calendar has it, as another client may have written any number.
 */
export function jsonLine(value: object): string {
  return JSON.stringify(value, (name, one: unknown) =>
    typeof one === 'number' && /(?:^at|At|Since|Until)$/.test(name) ? (instantText(one) ?? null) : one,
  );
}
