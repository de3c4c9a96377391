import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { GRACE_MS } from '../../src/app/app-context.ts';
import { VARIABLES, loadConfig } from '../../src/config/config.ts';
import { faultsOf } from '../config/config-world.ts';
import { runCommand } from '../support/run-command.ts';
import { type World, createWorld } from '../support/world.ts';

const DIRECTORY = 'deploy/kubernetes';
const run = promisify(execFile);
const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  [field: string]: unknown;
}

/** Where the types and the validator of a kind are, by its apiVersion. */
const MODULES: Record<string, string> = {
  v1: 'kubernetes-models/v1',
  'apps/v1': 'kubernetes-models/apps/v1',
  'policy/v1': 'kubernetes-models/policy/v1',
  'networking.k8s.io/v1': 'kubernetes-models/networking.k8s.io/v1',
  'keda.sh/v1alpha1': '@kubernetes-models/keda/keda.sh/v1alpha1',
  'monitoring.coreos.com/v1': '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1',
};

function manifestsIn(yaml: string): Manifest[] {
  return parseAllDocuments(yaml).map((document) => document.toJS() as Manifest);
}

/** Every manifest in the files, but for those that only kustomize reads. */
async function allManifests(): Promise<Manifest[]> {
  const files = (await readdir(DIRECTORY, { recursive: true })).filter((file) => file.endsWith('.yaml'));
  const texts = await Promise.all(files.map((file) => readFile(path.join(DIRECTORY, file), 'utf8')));
  return texts.flatMap(manifestsIn).filter(({ apiVersion }) => !apiVersion.startsWith('kustomize.'));
}

async function manifest<T = Manifest>(kind: string, name = 'damoov-users'): Promise<Manifest & T> {
  const found = (await allManifests()).find((one) => one.kind === kind && one.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found as Manifest & T;
}

/** Formats, patterns and what is required, by the validators that were made of Kubernetes' own schemas. */
async function invalidAmong(manifests: readonly Manifest[]): Promise<string[]> {
  const faults: string[] = [];
  for (const one of manifests) {
    const module = (await import(MODULES[one.apiVersion] ?? `no module for ${one.apiVersion}`)) as Record<
      string,
      new (data: object) => { validate(): void }
    >;
    try {
      new (module[one.kind] as NonNullable<(typeof module)[string]>)(one).validate();
    } catch (error) {
      faults.push(`${one.kind} ${one.metadata.name}: ${String(error)}`);
    }
  }
  return faults;
}

/** Those validators let a misspelt field pass; the compiler does not, as each manifest is a literal of its type. */
async function mistypedAmong(manifests: readonly Manifest[]): Promise<string> {
  await mkdir('.data', { recursive: true });
  const directory = await mkdtemp('.data/manifests-');
  onTestFinished(() => rm(directory, { recursive: true }));
  const lines = manifests.map(
    (one, n) =>
      `export const m${n}: import('${MODULES[one.apiVersion]}/${one.kind}').I${one.kind} = ${JSON.stringify(one)};`,
  );
  const file = path.join(directory, 'manifests.ts');
  await writeFile(file, lines.join('\n'));
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--skipLibCheck', '--types', 'node', file];
  return run('node_modules/.bin/tsc', ['--ignoreConfig', ...options]).then(
    () => '',
    ({ stdout }: { stdout: string }) => stdout,
  );
}

interface DeploymentSpec {
  spec: {
    replicas: number;
    selector: object;
    template: {
      metadata: { labels: object; annotations: Record<string, string> };
      spec: {
        terminationGracePeriodSeconds: number;
        securityContext: { runAsUser: number; runAsNonRoot: boolean };
        topologySpreadConstraints: { labelSelector: object }[];
        volumes: { name: string; emptyDir?: object }[];
        containers: [
          {
            image: string;
            args: string[];
            ports: { containerPort: number }[];
            securityContext: object;
            volumeMounts: { name: string; mountPath: string }[];
            [probe: `${string}Probe`]: { httpGet: { path: string } };
          },
        ];
      };
    };
  };
}

async function importUsers({ env }: World, count: number): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'import-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = path.join(directory, 'users.csv');
  await writeFile(file, ['clientId', ...Array.from({ length: count }, (_, n) => `imported-${n}`)].join('\n'));
  expect(await runCommand(['import', file], env)).toMatchObject({ status: 0 });
}

describe('the manifests for Kubernetes', () => {
  it('are what Kubernetes, KEDA and the Prometheus Operator take', async () => {
    const manifests = await allManifests();
    expect(manifests.map(({ kind }) => kind).sort()).toEqual([
      'Deployment',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'PodMonitor',
      'ScaledObject',
      'Secret',
      'Secret',
      'Secret',
      'TriggerAuthentication',
    ]);
    expect(await invalidAmong(manifests)).toEqual([]);
    expect(await mistypedAmong(manifests)).toBe('');
  });

  it.each([
    ['Deployment', 'livenessProbe', 'livenesProbe', 'mistyped'],
    ['Deployment', '"periodSeconds":1,', '"periodSeconds":"1 s",', 'invalid'],
    ['ScaledObject', 'maxReplicaCount', 'maxReplicasCount', 'mistyped'],
    ['ScaledObject', '"maxReplicaCount":6', '"maxReplicaCount":"6"', 'invalid'],
    ['PodMonitor', 'podMetricsEndpoints', 'podMetricEndpoints', 'mistyped'],
    ['PodMonitor', '"30s"', '"30 seconds"', 'invalid'],
  ])('would not be let through: a %s with %s as %s', async (kind, right, wrong, judge) => {
    const text = JSON.stringify(await manifest(kind));
    expect(text).toContain(right);
    const broken = JSON.parse(text.replace(right, wrong)) as Manifest;
    if (judge === 'mistyped') expect(await mistypedAmong([broken])).toContain(wrong);
    else expect(await invalidAmong([broken])).toHaveLength(1);
  });

  it('give the worker a configuration that it takes, of variables that there are', async () => {
    const text = await readFile(`${DIRECTORY}/configuration.env`, 'utf8');
    const lines = text.split('\n').filter((line) => /^[A-Z]/.test(line));
    const configuration = Object.fromEntries(lines.map((line) => line.split('=', 2) as [string, string]));
    const { stringData } = await manifest<{ stringData: Record<string, string> }>('Secret');
    const variables = { ...configuration, ...stringData };
    expect(Object.keys(variables).filter((name) => !VARIABLES.includes(name))).toEqual([]);
    // The file exists only once an operator has created the Secret.
    const { RECEIPT_PRIVATE_KEY_FILE: file = '', ...rest } = variables;
    const filled = Object.fromEntries(
      Object.entries(rest).map(([name, value]) => [name, value.replaceAll(/<[^>]*>/g, 'Wm9sNmRkZ1A2dz09')]),
    );
    expect(loadConfig(filled)).toMatchObject({ damoov: { admin: { password: 'Wm9sNmRkZ1A2dz09' } } });
    expect(() => loadConfig({ ...filled, RECEIPT_PRIVATE_KEY_FILE: file })).toThrow(
      'RECEIPT_PRIVATE_KEY_FILE: cannot be read (ENOENT)',
    );
    const { stringData: files } = await manifest<{ stringData: object }>('Secret', 'damoov-users-files');
    expect(Object.keys(files).map((name) => `/etc/damoov-users/${name}`)).toEqual([file]);
  });

  it('are refused with the secrets of the example, each by its name, those in its comments too', async () => {
    const text = (await readFile(`${DIRECTORY}/secret.example.yaml`, 'utf8')).replaceAll('  # ', '  ');
    const examples = [...text.matchAll(/^ {2}([A-Z_]+): (.*<.*)$/gm)].map(([, name = '', value = '']) => [
      name,
      value,
    ]);
    const secrets = VARIABLES.filter((name) => /PASSWORD$|SECRET$/.test(name) && !name.startsWith('REDIS_'));
    expect(examples.map(([name]) => name)).toEqual(expect.arrayContaining(secrets));
    for (const [name = '', value = ''] of examples) {
      const faults = faultsOf({ [name]: value });
      expect(faults.join('\n')).toContain(`${name}: is a placeholder of an example`);
    }
  });

  it('probe what the worker answers, and run it without root and without privileges', async () => {
    const { spec } = await manifest<DeploymentSpec>('Deployment');
    const [container] = spec.template.spec.containers;
    const world = await createWorld({ startsWorker: false });
    const { url } = await world.startWorker();
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'] as const) {
      const { httpGet } = container[probe] ?? { httpGet: { path: 'none' } };
      await expect.poll(async () => (await fetch(url + httpGet.path)).status).toBe(200);
    }
    const { annotations } = spec.template.metadata;
    expect((await fetch(url + annotations['prometheus.io/path'])).status).toBe(200);
    const dockerfile = await readFile('Dockerfile', 'utf8');
    const [, port] = /^EXPOSE (\d+)$/m.exec(dockerfile) ?? [];
    expect([`${container.ports[0]?.containerPort}`, annotations['prometheus.io/port']]).toEqual([port, port]);
    expect(dockerfile).toContain('\nUSER node\n');
    // That node is 1000 in the image is looked at in a container.
    expect(spec.template.spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    expect(await readFile('.ci/confined.mjs', 'utf8')).toContain("['1000', '1000']");
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(container.args).toEqual(['worker']);
  });

  it('have a place for temporary files beside a root that is read-only, and so has compose', async () => {
    const { spec } = await manifest<DeploymentSpec>('Deployment');
    const [{ volumeMounts }] = spec.template.spec.containers;
    const mount = volumeMounts.find(({ mountPath }) => mountPath === '/tmp');
    expect(mount).not.toHaveProperty('readOnly');
    const volume = spec.template.spec.volumes.find(({ name }) => name === mount?.name);
    expect(volume?.emptyDir).toEqual({ sizeLimit: '1Gi' });
    const compose = await readFile('docker-compose.yml', 'utf8');
    const { services } = parse(compose, { merge: true }) as {
      services: Record<string, { read_only?: boolean; tmpfs?: string[] }>;
    };
    const readOnly = Object.values(services).filter(({ read_only }) => read_only === true);
    expect(readOnly).toHaveLength(2);
    for (const { tmpfs } of readOnly) expect(tmpfs).toEqual([expect.stringMatching(/^\/tmp:.*mode=1777/)]);
    // Both leave TMPDIR as it is.
    expect(await readFile('Dockerfile', 'utf8')).not.toContain('TMPDIR');
  });

  it('leave a worker the time that it takes to stop, and as much as compose does', async () => {
    const { spec } = await manifest<DeploymentSpec>('Deployment');
    const { terminationGracePeriodSeconds } = spec.template.spec;
    expect(terminationGracePeriodSeconds * 1000).toBeGreaterThanOrEqual(GRACE_MS + 10_000);
    const { services } = parse(await readFile('docker-compose.yml', 'utf8'), { merge: true }) as {
      services: { worker: { stop_grace_period: string } };
    };
    expect(services.worker.stop_grace_period).toBe(`${terminationGracePeriodSeconds}s`);
  });

  it('mean the same pods everywhere', async () => {
    const { spec } = await manifest<DeploymentSpec>('Deployment');
    const selector = { matchLabels: spec.template.metadata.labels };
    const budget = await manifest<{ spec: { selector: object } }>('PodDisruptionBudget');
    const policy = await manifest<{ spec: { podSelector: object } }>('NetworkPolicy');
    const monitor = await manifest<{ spec: { selector: object } }>('PodMonitor');
    const all = [
      spec.selector,
      budget.spec.selector,
      policy.spec.podSelector,
      monitor.spec.selector,
      ...spec.template.spec.topologySpreadConstraints.map(({ labelSelector }) => labelSelector),
    ];
    for (const one of all) expect(one).toEqual(selector);
    const scaled = await manifest<{ spec: { scaleTargetRef: object } }>('ScaledObject');
    expect(scaled.spec.scaleTargetRef).toEqual({ name: 'damoov-users' });
  });

  it('scale by the jobs that wait for a worker, live ones and those of an import, and by nothing else that waits', async () => {
    const { spec } = await manifest<{ spec: { triggers: { metadata: { listName: string } }[] } }>(
      'ScaledObject',
    );
    const defaults = loadConfig({}).queues;
    const world = await createWorld({ startsWorker: false });
    // As KEDA does: it asks for the type of the key, and counts accordingly.
    const counted = () =>
      Promise.all(
        spec.triggers.map(async ({ metadata: { listName } }) => {
          expect(listName.startsWith(`${defaults.prefix}:${defaults.jobs}:`)).toBe(true);
          const key = listName.replace(defaults.prefix, world.prefix);
          return (await world.redis.type(key)) === 'zset' ? world.redis.zcard(key) : world.redis.llen(key);
        }),
      );
    for (const clientId of ['c-1', 'c-2', 'c-3']) await world.add('create-user', { clientId });
    await world.add('delete-user', { clientId: 'c-4' }, { delay: 3_600_000 });
    await importUsers(world, 2);
    expect(await counted()).toEqual([3, 2]);
    await world.startWorker();
    await expect.poll(() => world.events.length).toBe(5);
    expect(await counted()).toEqual([0, 0]);
  });

  it('name the version of the image that they were written for', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    const { images } = parse(await readFile(`${DIRECTORY}/kustomization.yaml`, 'utf8')) as {
      images: object[];
    };
    expect(images).toEqual([{ name: 'damoov-user-lifecycle', newTag: version }]);
  });

  it.skipIf(!hasKubectl)('are put together by kubectl, with both components too', async () => {
    const render = async (directory: string) =>
      manifestsIn(
        (await run('kubectl', ['kustomize', '--load-restrictor', 'LoadRestrictionsNone', directory])).stdout,
      );
    const base = await render(DIRECTORY);
    expect(base.map(({ kind }) => kind).sort()).toEqual([
      'ConfigMap',
      'Deployment',
      'NetworkPolicy',
      'PodDisruptionBudget',
    ]);
    await mkdir('.data', { recursive: true });
    const overlay = await mkdtemp('.data/overlay-');
    onTestFinished(() => rm(overlay, { recursive: true }));
    const up = path.relative(overlay, DIRECTORY);
    const components = ['keda', 'prometheus-operator'].map((name) => `${up}/components/${name}`);
    await writeFile(
      path.join(overlay, 'kustomization.yaml'),
      JSON.stringify({ resources: [up], components }),
    );
    const whole = await render(overlay);
    expect(whole.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['ScaledObject', 'TriggerAuthentication', 'PodMonitor']),
    );
    // KEDA says how many there are.
    expect(whole.find(({ kind }) => kind === 'Deployment')).not.toHaveProperty('spec.replicas');
    expect(await invalidAmong(whole)).toEqual([]);
    expect(await mistypedAmong(whole)).toBe('');
  });
});
