/**
 * Refuses addresses on the loopback where that is not the machine that is meant: in a container of compose it is the container itself.
 */

/** What the worker connects to. */
const ADDRESSES = [
  'REDIS_URL',
  'REDIS_CLUSTER_NODES',
  'REDIS_SENTINELS',
  'DAMOOV_BASE_URL',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
] as const;

const LOOPBACK = /(?:^|[/@,\s])(?:localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[::1?\])(?=[:/,\s]|$)/i;

/** Faults of the addresses that are set, by variable. */
export function loopbackFaults(set: Readonly<Record<string, string | undefined>>): string[] {
  return ADDRESSES.filter((name) => LOOPBACK.test(set[name] ?? '')).map(
    (name) =>
      `${name}: names the loopback, which in a container is the container itself: use host.docker.internal for the machine it runs on, ` +
      `the name of a service of compose, or leave it empty for what compose brings`,
  );
}
