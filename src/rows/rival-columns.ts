/**
 * Columns of a header that are the same field, told with the way to have one of them.
 */
import type { Column } from './columns.ts';
import type { Field } from './row.ts';

/** A message for each field that several columns are. Known names are repeated, no others. */
export function rivals(names: readonly string[], columns: readonly Column[]): string[] {
  const places = new Map<Field, number[]>();
  for (const [place, column] of columns.entries()) {
    if (column.is === 'field') places.set(column.field, [...(places.get(column.field) ?? []), place]);
  }
  return [...places].flatMap(([field, among]) => {
    if (among.length === 1) return [];
    const numbers = among.map((place) => place + 1);
    const all = `${numbers.slice(0, -1).join(', ')} and ${numbers.at(-1)}`;
    const are = among.length === 2 ? 'are both' : 'are all';
    return [`columns ${all} ${are} ${field}: ${wayOut(among.map((place) => names[place]?.trim() ?? ''))}`];
  });
}

function wayOut(names: readonly string[]): string {
  const isOneName = new Set(names.map((name) => name.toLowerCase())).size < names.length;
  if (isOneName) return 'rename all but one of them';
  const others = names.slice(1).map((name) => `${quoted(name)}=`);
  return `keep one, such as with --map '${others.join(',')}'`;
}

/** As `--map` takes it. */
function quoted(name: string): string {
  return /[",=]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}
