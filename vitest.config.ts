import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    tags: [
      {
        name: 'slow',
        description: 'left out of `npm test`, part of `npm run test:all`',
        timeout: 600_000,
      },
    ],
    // The tests mostly wait for Redis and HTTP: two files at once keep two cores busy, more only lengthen the waits.
    maxWorkers: 2,
    // No test is judged by how fast the machine is today: these end what hangs.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    expect: { poll: { timeout: 60_000 } },
    // One file for each run, so that whoever starts several runs can add up what they report.
    reporters: process.env['CI']
      ? ['default', ['json', { outputFile: `.data/test-runs/${process.pid}.json` }]]
      : ['default'],
  },
});
