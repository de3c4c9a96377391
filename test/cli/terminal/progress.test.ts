import { describe, expect, it } from 'vitest';
import { type ProgressStream, createProgress } from '../../../src/cli/terminal/progress.ts';

function watch(stream: Partial<ProgressStream> = {}) {
  let written = '';
  const clock = { ms: 0 };
  const progress = createProgress({ write: (text) => (written += text), ...stream }, () => clock.ms);
  return { progress, clock, written: () => written };
}

describe('progress on a terminal', () => {
  it('is a line that overwrites itself, with the time that is left', () => {
    const { progress, clock, written } = watch({ isTTY: true, columns: 120 });
    progress.start('adding', 'row', 1000);
    clock.ms = 2000;
    progress.show(250);
    progress.show(251);
    clock.ms = 4000;
    progress.show(1000, '7 jobs wait');
    progress.end();
    expect(written().split('\r')).toEqual([
      '',
      'adding: 25%, 250 of 1,000 rows, 6s left',
      expect.stringMatching(/^adding: 100%, 1,000 of 1,000 rows, 7 jobs wait *\n$/),
    ]);
  });

  it('never is a line that is wider than the terminal', () => {
    const { progress, written } = watch({ isTTY: true, columns: 20 });
    progress.start('adding', 'row', 1000);
    progress.show(1000);
    expect(written().replaceAll('\r', '')).toHaveLength(19);
  });

  it('does not get into the way of what is said', () => {
    const { progress, written } = watch({ isTTY: true });
    progress.start('adding', 'row', 10);
    progress.show(5);
    progress.say('Redis is away');
    expect(written()).toMatch(/5 of 10 rows\nRedis is away\n$/);
  });
});

describe('progress elsewhere', () => {
  it('is a line now and then, and none where it is over soon', () => {
    const { progress, clock, written } = watch();
    progress.start('adding', 'row', 1000, 100);
    for (let ms = 0; ms <= 25_000; ms += 100) {
      clock.ms = ms;
      progress.show(100 + ms / 50);
    }
    expect(written().split('\n')).toEqual([
      'adding: 30%, 300 of 1,000 rows, 35s left',
      'adding: 50%, 500 of 1,000 rows, 25s left',
      '',
    ]);
  });
});
