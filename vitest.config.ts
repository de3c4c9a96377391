import { defineConfig } from 'vitest/config';
import { RerunReporter } from './test/support/rerun-reporter.ts';

const ofThisRun: ['json', { outputFile: string }] = [
  'json',
  { outputFile: `.data/test-runs/${process.pid}.json` },
];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // Loading the modules anew for each file took a third of the run; no module of ours has a state.
    isolate: false,
    tags: [
      {
        name: 'slow',
        description: 'left out of `npm test`, part of `npm run test:all`',
        timeout: 600_000,
      },
    ],
    // A file waits for part of its time, for Redis, HTTP or a process: a third one keeps two cores busy meanwhile.
    maxWorkers: 3,
    // No test is judged by how fast the machine is today: these end what hangs.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    // A test that asserts nothing cannot fail.
    expect: { poll: { timeout: 60_000 }, requireAssertions: true },
    reporters: [
      'default',
      new RerunReporter(),
      // One file for each run, so that .ci/run can add up what several runs report.
      ...(process.env['CI'] ? [ofThisRun] : []),
    ],
  },
});
