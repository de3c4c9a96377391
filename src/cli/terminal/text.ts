/**
 * Text that several commands show: counts, tables, foreign ids, and JSON for machines.
 */
import { instantText } from '../../contract/duration.ts';

/** `1 event`, `1,234 events`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${numberText(count)} ${count === 1 ? one : many}`;
}

export function numberText(count: number): string {
  return count.toLocaleString('en-US');
}

/** Ids of other systems may contain line breaks and control sequences. */
export function onOneLine(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ');
}

/** Columns as wide as their widest cell; the last one is not padded. */
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
 * One line of JSON for machines. A number whose name means a time (`dueAt`, `openSince`, `barredUntil`) becomes ISO 8601; null if that
 * cannot express it, as another client may have written any number.
 */
export function jsonLine(value: object): string {
  return JSON.stringify(value, (name, one: unknown) =>
    typeof one === 'number' && /(?:^at|At|Since|Until)$/.test(name) ? (instantText(one) ?? null) : one,
  );
}
