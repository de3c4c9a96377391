/**
 * Remembers at which line something was met first, in 12 bytes each and their room to grow: 64 bits of a hash, in which two of
 * a million meet by chance once in 30 million files.
 */
import { hash } from 'node:crypto';

export interface Seen {
  /** The line at which it was met before; else this line is remembered. */
  meet(what: string, line: number): number | undefined;
}

/** A table of three columns: both halves of a hash, and the line, 0 where nothing is. */
interface Table {
  high: Uint32Array;
  low: Uint32Array;
  lines: Uint32Array;
}

export function createSeen(): Seen {
  let table = tableOf(1024);
  let size = 0;

  return {
    meet(what, line) {
      const digest = hash('sha1', what, 'buffer');
      const [high, low] = [digest.readUInt32LE(0), digest.readUInt32LE(4)];
      const slot = slotOf(table, high, low);
      const before = table.lines[slot];
      if (before !== undefined && before !== 0) return before;
      put(table, slot, high, low, line);
      size += 1;
      if (size * 3 > table.lines.length * 2) table = grown(table);
      return undefined;
    },
  };
}

function tableOf(slots: number): Table {
  return { high: new Uint32Array(slots), low: new Uint32Array(slots), lines: new Uint32Array(slots) };
}

/** Where this hash is, or would be. */
function slotOf({ high, low, lines }: Table, ourHigh: number, ourLow: number): number {
  const last = lines.length - 1;
  let slot = ourLow & last;
  while (lines[slot] !== 0 && (low[slot] !== ourLow || high[slot] !== ourHigh)) slot = (slot + 1) & last;
  return slot;
}

function put(table: Table, slot: number, high: number, low: number, line: number): void {
  table.high[slot] = high;
  table.low[slot] = low;
  table.lines[slot] = line;
}

function grown(table: Table): Table {
  const next = tableOf(table.lines.length * 2);
  for (const [slot, line] of table.lines.entries()) {
    if (line === 0) continue;
    const [high, low] = [table.high[slot] ?? 0, table.low[slot] ?? 0];
    put(next, slotOf(next, high, low), high, low, line);
  }
  return next;
}
