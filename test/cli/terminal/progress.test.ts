import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type ProgressStream, createProgress } from '../../../src/cli/terminal/progress.ts';

function watch(stream: Partial<ProgressStream> = {}) {
  let written = '';
  const clock = { ms: 0 };
  const progress = createProgress({ write: (text) => (written += text), ...stream }, () => clock.ms);
  return { progress, clock, written: () => written };
}

describe('progress on a terminal', () => {
  it('is a bar that overwrites itself, with the rate and the time that is left', () => {
    const { progress, clock, written } = watch({ isTTY: true, columns: 120 });
    progress.start('adding', 'row', 1000);
    clock.ms = 2000;
    progress.show(250);
    progress.show(251);
    clock.ms = 4000;
    progress.show(1000, '7 jobs wait');
    progress.end();
    const lines = written().split('\r');
    expect(lines).toEqual([
      '',
      'adding █████░░░░░░░░░░░░░░░ 25%, 250 of 1,000 rows, 125/s, 6s left',
      expect.stringMatching(/^adding █{20} 100%, 1,000 of 1,000 rows, 250\/s, 7 jobs wait *\n$/),
    ]);
  });

  it('has a colour where colours are wanted, and never a line that is wider than the terminal', () => {
    const coloured = watch({ isTTY: true, columns: 40, hasColors: () => true });
    coloured.progress.start('adding', 'row', 10);
    coloured.progress.show(10);
    expect(coloured.written()).toContain('\u001B[32m');
    const shown = stripVTControlCharacters(coloured.written()).replaceAll('\r', '');
    expect(shown.length).toBeLessThan(40);
    const plain = watch({ isTTY: true, hasColors: () => false });
    plain.progress.start('adding', 'row', 10);
    plain.progress.show(10);
    expect(plain.written()).not.toContain('\u001B');
  });

  it('does not get into the way of what is said', () => {
    const { progress, written } = watch({ isTTY: true });
    progress.start('adding', 'row', 10);
    progress.show(5);
    progress.say('Redis is away');
    expect(written()).toMatch(/rows, 0\/s\nRedis is away\n$/);
  });
});

describe('progress elsewhere', () => {
  it.each([
    ['row', 1, 'adding: 100%, 1 of 1 row, 0/s'],
    ['job', 4304, 'adding: 100%, 4,304 of 4,304 jobs, 430/s'],
    ['byte', 999_949, 'adding: 100%, 999.9 of 999.9 kB, 100.0 kB/s'],
    ['byte', 1_000_000, 'adding: 100%, 1.0 of 1.0 MB, 0.1 MB/s'],
    ['byte', 75_432_100, 'adding: 100%, 75.4 of 75.4 MB, 7.5 MB/s'],
  ])('counts each %s as people do', (unit, total, line) => {
    const { progress, clock, written } = watch();
    progress.start('adding', unit, total);
    clock.ms = 10_000;
    progress.show(total);
    expect(written()).toBe(`${line}\n`);
  });

  it('is a line now and then, and none where it is over soon', () => {
    const { progress, clock, written } = watch();
    progress.start('adding', 'row', 1000, 100);
    for (let ms = 0; ms <= 25_000; ms += 100) {
      clock.ms = ms;
      progress.show(100 + ms / 50);
    }
    expect(written().split('\n')).toEqual([
      'adding: 30%, 300 of 1,000 rows, 20/s, 35s left',
      'adding: 50%, 500 of 1,000 rows, 20/s, 25s left',
      '',
    ]);
  });
});
