import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/ops/metrics.ts';

const RULES = 'deploy/prometheus/alerts.yml';
const DASHBOARD = 'deploy/grafana/damoov-users.json';

const read = (file: string) => readFile(file, 'utf8');

/** The product's metrics by full name: type, and whether every worker reports the same value. */
async function metrics() {
  const status = () => Promise.reject(new Error('Redis is away'));
  const text = await createMetrics({ version: '1', status }).read();
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  const isOfFleet = new Set(types.slice(types.findIndex(([, name]) => name === 'damoov_users_redis_up')));
  return new Map(
    types.map((match) => {
      const [, name = '', type = ''] = match;
      return [name, { type, isOfFleet: isOfFleet.has(match) }] as const;
    }),
  );
}

const baseOf = (series: string) => series.replace(/_(bucket|sum|count)$/, '');
const namesIn = (text: string) =>
  new Set([...text.matchAll(/\bdamoov_users_\w+/g)].map(([name]) => baseOf(name)));

/** All queries of the dashboard, and all conditions of the alerts. */
async function expressions(): Promise<string[]> {
  const { panels } = JSON.parse(await read(DASHBOARD)) as { panels: { targets?: { expr: string }[] }[] };
  const ofPanels = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const rules = await read(RULES);
  const ofRules = rules.split(/^ {6}- alert: /m).slice(1);
  const conditions = ofRules.map((rule) => /expr: ([^]*?)\n {8}(?:for|labels):/.exec(rule)?.[1] ?? '');
  return [...ofPanels, ...conditions];
}

const promtool = ['.data/tools', ...(process.env['PATH'] ?? '').split(delimiter)]
  .map((dir) => join(dir, 'promtool'))
  .find((file) => existsSync(file));
if (promtool === undefined)
  process.stdout.write('promtool is not there (.ci/get-promtool.sh fetches it): rules are not tested\n');

describe('dashboard and alerts', () => {
  it('name no metric that the product does not have, and no label', async () => {
    const known = await metrics();
    const all = await expressions();
    expect(all.length).toBeGreaterThan(40);
    for (const expression of all) {
      expect(namesIn(expression).size, expression).toBeGreaterThan(0);
      for (const name of namesIn(expression)) expect([...known.keys()], expression).toContain(name);
    }
    const labels = all.flatMap((expression) => [
      ...[...expression.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label]) => label),
      ...[...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', ')),
    ]);
    expect(new Set(labels)).toEqual(
      new Set('circuit code instance job le next operation outcome queue state status type'.split(' ')),
    );
  });

  it('take what the fleet shares as a maximum, and add up what each worker counts', async () => {
    const known = await metrics();
    for (const expression of await expressions()) {
      const flat = expression.replaceAll(/\s+/g, ' ');
      for (const [whole, before = '', series = ''] of flat.matchAll(/([\w() ,]*?)\b(damoov_users_\w+)/g)) {
        if (series === 'damoov_users_build_info') continue;
        const isOfFleet = known.get(baseOf(series))?.isOfFleet;
        const way = isOfFleet
          ? /\b(max|min)( by \([\w, ]+\))? ?\((delta\()?$/
          : /\bsum( by \([\w, ]+\))? ?\( ?(rate|increase)\($/;
        expect(before, whole).toMatch(way);
      }
    }
  });

  it('show and watch everything that there is to see', async () => {
    const seen = namesIn((await expressions()).join('\n'));
    expect([...(await metrics()).keys()].filter((name) => !seen.has(name))).toEqual([]);
  });

  it('are documented: every metric with its type', async () => {
    const docs = await read('docs/operate/monitoring.md');
    const rows = [...docs.matchAll(/^\| `(damoov_users_\w+)`\s*\| (\w+)/gm)];
    const known = [...(await metrics())].map(([name, { type }]) => `${name} ${type}`);
    expect(rows.map(([, name, type]) => `${name} ${type}`)).toEqual(expect.arrayContaining(known));
    expect(rows).toHaveLength(known.length);
  });

  it('leave no place of the screen to two panels', async () => {
    const { panels } = JSON.parse(await read(DASHBOARD)) as {
      panels: { id: number; gridPos: { x: number; y: number; w: number; h: number } }[];
    };
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24);
  });
});

describe.skipIf(promtool === undefined)('promtool', () => {
  const run = (...args: string[]) => promisify(execFile)(promtool ?? '', args);

  it('finds the alerts well-formed, and what Prometheus is told about them', async () => {
    expect((await run('check', 'rules', RULES)).stdout).toContain('SUCCESS');
    expect((await run('check', 'config', 'deploy/prometheus/prometheus.yml')).stdout).toContain('SUCCESS');
  });

  it('sees each alert fire when it should, and none where all is well', async () => {
    const { stdout } = await run('test', 'rules', 'deploy/prometheus/alerts.test.yml');
    expect(stdout).toContain('SUCCESS');
    const tests = await read('deploy/prometheus/alerts.test.yml');
    for (const [, name = ''] of (await read(RULES)).matchAll(/- alert: (\w+)/g)) {
      expect(tests).toContain(`alertname="${name}"`);
    }
  });

  it('finds the names of the metrics as they should be', async () => {
    const status = () => Promise.reject(new Error('Redis is away'));
    const text = await createMetrics({ version: '1', status }).read();
    const checked = promisify(execFile)(promtool ?? '', ['check', 'metrics']);
    checked.child.stdin?.end(text);
    expect(await checked).toEqual({ stdout: '', stderr: '' });
  });
});
