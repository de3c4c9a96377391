/**
 * Shows the progress of a long command: a line that overwrites itself on a terminal, else a line now and then.
 */
import { durationText } from '../../contract/duration.ts';
import { counted, numberText } from './text.ts';

export interface ProgressStream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

export interface Progress {
  /** Begins a task, such as `reading`. @param unit such as `row`. @param done how much was done before. */
  start(what: string, unit: string, total: number, done?: number): void;
  /** @param note a remark for the moment. */
  show(done: number, note?: string): void;
  say(line: string): void;
  end(): void;
}

/** Interval of redraws on a terminal, and of lines elsewhere, in milliseconds. */
const REDRAW_MS = 100;
const LINE_MS = 10_000;

/** @param now milliseconds of a monotonic clock. */
export function createProgress(
  stream: ProgressStream,
  now: () => number = () => performance.now(),
): Progress {
  const isTerminal = stream.isTTY === true;
  let task = { what: '', unit: '', total: 0, before: 0, since: 0 };
  let shownAt = -Infinity;
  let width = 0;

  function textOf(done: number, note?: string): string {
    const { what, unit, total, before, since } = task;
    const share = total === 0 ? 1 : Math.min(1, done / total);
    const perMs = (done - before) / (now() - since);
    const isLasting = perMs > 0 && Number.isFinite(perMs) && done < total;
    return [
      `${what}: ${Math.floor(share * 100)}%`,
      `${numberText(done)} of ${counted(total, unit)}`,
      ...(isLasting ? [`${durationText((total - done) / perMs)} left`] : []),
      ...(note === undefined ? [] : [note]),
    ].join(', ');
  }

  function close(): void {
    if (width > 0) stream.write('\n');
    width = 0;
  }

  return {
    start(what, unit, total, done = 0) {
      close();
      task = { what, unit, total, before: done, since: now() };
      // A short task needs no line.
      shownAt = isTerminal ? -Infinity : now();
    },
    show(done, note) {
      const isLast = isTerminal && done === task.total;
      if (!isLast && now() - shownAt < (isTerminal ? REDRAW_MS : LINE_MS)) return;
      shownAt = now();
      if (!isTerminal) return void stream.write(`${textOf(done, note)}\n`);
      const line = textOf(done, note).slice(0, (stream.columns ?? 80) - 1);
      stream.write(`\r${line.padEnd(width)}`);
      width = line.length;
    },
    say(line) {
      close();
      stream.write(`${line}\n`);
    },
    end: close,
  };
}
