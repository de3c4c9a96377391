/**
 * Shows how far a long command has come: a bar that redraws itself on a terminal, else a line now and then. Knows no command,
 * and no clock but the one it is given.
 */
import { durationText } from '../../contract/duration.ts';
import { counted, numberText } from '../failed/report.ts';

export interface ProgressStream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
  /** Whether colours are wanted and can be shown: NO_COLOR is heeded by Node itself. */
  hasColors?: () => boolean;
}

export interface Progress {
  /** Begins something new, such as `reading`; told is how much of it was done before. @param unit one of it, such as `row`. */
  start(what: string, unit: string, total: number, done?: number): void;
  /** @param note what else is to be said at the moment. */
  show(done: number, note?: string): void;
  /** A line of its own, whatever is shown at the moment. */
  say(line: string): void;
  /** Nothing more follows: what is shown stays. */
  end(): void;
}

/** Between two drawings of the bar, and two lines where there is none, in milliseconds. */
const REDRAW_MS = 100;
const LINE_MS = 10_000;
/** The rate is that of the last so many milliseconds. */
const RATE_MS = 15_000;
const BAR_CELLS = 20;

/** @param now milliseconds of a clock that never goes back. */
export function createProgress(
  stream: ProgressStream,
  now: () => number = () => performance.now(),
): Progress {
  const isTerminal = stream.isTTY === true;
  const hasColors = stream.hasColors?.() ?? false;
  let task = { what: '', unit: '', total: 0 };
  let marks: { at: number; done: number }[] = [];
  let shown = { at: -Infinity, width: 0, isOpen: false };

  return {
    start(what, unit, total, done = 0) {
      close();
      task = { what, unit, total };
      marks = [{ at: now(), done }];
      // Whatever is over before it is worth a line needs none.
      shown = { ...shown, at: isTerminal ? -Infinity : now() };
    },
    show(done, note) {
      const at = now();
      if (at - shown.at < (isTerminal ? REDRAW_MS : LINE_MS) && !(isTerminal && done === task.total)) return;
      marks = marks.filter((mark, index) => index === marks.length - 1 || at - mark.at < RATE_MS);
      marks.push({ at, done });
      draw(textOf(done, note));
      shown.at = at;
    },
    say(line) {
      close();
      stream.write(`${line}\n`);
    },
    end: close,
  };

  function textOf(done: number, note?: string): string {
    const { what, unit, total } = task;
    const share = total === 0 ? 1 : Math.min(1, done / total);
    const [first, last] = [marks[0], marks.at(-1)];
    const ms = (last?.at ?? 0) - (first?.at ?? 0);
    const rate = ms === 0 ? 0 : ((last?.done ?? 0) - (first?.done ?? 0)) / (ms / 1000);
    const left = rate > 0 && done < total ? [`${durationText(((total - done) / rate) * 1000)} left`] : [];
    const told = [
      `${Math.floor(share * 100)}%`,
      ...(unit === 'byte' ? sizeTexts(done, total, rate) : countTexts(done, total, rate, unit)),
      ...left,
      ...(note === undefined ? [] : [note]),
    ].join(', ');
    return isTerminal ? `${what} ${barOf(share)} ${told}` : `${what}: ${told}`;
  }

  function barOf(share: number): string {
    const cells = Math.round(share * BAR_CELLS);
    const bar = '█'.repeat(cells);
    return `${hasColors ? `\u001B[32m${bar}\u001B[39m` : bar}${'░'.repeat(BAR_CELLS - cells)}`;
  }

  function draw(text: string): void {
    if (!isTerminal) return void stream.write(`${text}\n`);
    const width = stream.columns ?? 80;
    const colours = hasColors ? 10 : 0;
    const line = text.slice(0, Math.max(BAR_CELLS, width - 1) + colours);
    stream.write(`\r${line.padEnd(shown.width)}`);
    shown = { at: shown.at, width: line.length, isOpen: true };
  }

  function close(): void {
    if (shown.isOpen) stream.write('\n');
    shown = { ...shown, width: 0, isOpen: false };
  }
}

function countTexts(done: number, total: number, rate: number, unit: string): string[] {
  return [`${numberText(done)} of ${counted(total, unit)}`, `${numberText(Math.round(rate))}/s`];
}

function sizeTexts(done: number, total: number, rate: number): string[] {
  const [unit, size] = total < 1e6 ? ['kB', 1e3] : ['MB', 1e6];
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  const text = (bytes: number) => (bytes / size).toLocaleString('en-US', digits);
  return [`${text(done)} of ${text(total)} ${unit}`, `${text(rate)} ${unit}/s`];
}
