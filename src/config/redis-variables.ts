/**
 * Reads the Redis target, user and TLS settings from the configuration. Reports every fault by its variable,
 * and repeats no value.
 */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { Environment } from './environment.ts';
import { readNamedFile } from './read-file.ts';
import type { RedisTarget, RedisTls } from '../redis/connection.ts';

/** Each of them names a Redis. */
export const REDIS_PLACES = ['REDIS_URL', 'REDIS_CLUSTER_NODES', 'REDIS_SENTINELS'] as const;

const TLS_FILES = ['REDIS_TLS_CA_FILE', 'REDIS_TLS_CERT_FILE', 'REDIS_TLS_KEY_FILE'] as const;

/** Variables that must be set together. */
export const REDIS_PAIRS = [
  ['REDIS_SENTINELS', 'REDIS_SENTINEL_MASTER'],
  ['REDIS_TLS_CERT_FILE', 'REDIS_TLS_KEY_FILE'],
] as const;

/** Variables without an effect unless another is set. */
const NEEDS = [
  ['REDIS_USERNAME', 'REDIS_PASSWORD'],
  ['REDIS_SENTINEL_USERNAME', 'REDIS_SENTINEL_PASSWORD'],
  ['REDIS_SENTINEL_PASSWORD', 'REDIS_SENTINELS'],
] as const;

/** Contradictions between variables that are valid by themselves. */
export function redisFaults(set: Readonly<Record<string, string>>): string[] {
  const isSet = (name: string) => set[name] !== undefined;
  const places = REDIS_PLACES.filter(isSet);
  const url = URL.parse(set['REDIS_URL'] ?? '');
  const wantsTls = Environment.shape.REDIS_TLS.safeParse(set['REDIS_TLS']).data === true;
  const secures = [...TLS_FILES, 'REDIS_USERNAME', 'REDIS_PASSWORD', 'REDIS_TLS'].filter(isSet);
  const faults = NEEDS.flatMap(([one, other]) =>
    isSet(one) && !isSet(other) ? [`${other}: is required together with ${one}`] : [],
  );
  if (places.length > 1) faults.push(`${places.join(', ')}: only one of them may be set`);
  if (places.length === 0 && secures.length > 0) {
    faults.push(
      `${secures.join(', ')}: no Redis is set by ${REDIS_PLACES.join(' or ')}: use REDIS_URL=redis://HOST:PORT`,
    );
  }
  if (isSet('REDIS_PASSWORD') && url !== null && `${url.username}${url.password}` !== '') {
    faults.push('REDIS_PASSWORD: REDIS_URL has a user or a password already');
  }
  if (wantsTls && url !== null && url.protocol !== 'rediss:') {
    faults.push('REDIS_TLS: not with REDIS_URL, which uses rediss:// instead');
  }
  if (places.length > 0 && !wantsTls && url?.protocol !== 'rediss:') {
    for (const name of TLS_FILES.filter(isSet)) {
      faults.push(
        `${name}: the connection is not encrypted (${isSet('REDIS_URL') ? 'rediss://' : 'REDIS_TLS=true'})`,
      );
    }
  }
  return faults;
}

/** The configured Redis, or `embedded` if there is none. */
export function redisTarget(values: Environment, files: RedisTls): 'embedded' | RedisTarget {
  const access = {
    ...(values.REDIS_USERNAME !== undefined && { username: values.REDIS_USERNAME }),
    ...(values.REDIS_PASSWORD !== undefined && { password: values.REDIS_PASSWORD }),
    ...((values.REDIS_TLS || Object.keys(files).length > 0) && { tls: files }),
  };
  const { REDIS_URL: url, REDIS_CLUSTER_NODES: nodes, REDIS_SENTINELS: sentinels } = values;
  if (url !== undefined) return { kind: 'url', url, ...access };
  if (nodes !== undefined) return { kind: 'cluster', nodes, ...access };
  const { REDIS_SENTINEL_USERNAME: user, REDIS_SENTINEL_PASSWORD: password } = values;
  if (sentinels === undefined || values.REDIS_SENTINEL_MASTER === undefined) return 'embedded';
  return {
    kind: 'sentinel',
    sentinels,
    master: values.REDIS_SENTINEL_MASTER,
    ...access,
    ...(user !== undefined && { sentinelUsername: user }),
    ...(password !== undefined && { sentinelPassword: password }),
  };
}

/** The TLS certificates and key, from the configured files. */
export function readTlsFiles(set: Readonly<Record<string, string>>, faults: string[]): RedisTls {
  const [ca, cert, key] = TLS_FILES.map((name) => readPem(name, set[name], faults));
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

function readPem(
  name: (typeof TLS_FILES)[number],
  file: string | undefined,
  faults: string[],
): string | undefined {
  if (file === undefined) return undefined;
  const content = readNamedFile(name, file, faults);
  if (content === undefined) return undefined;
  const isKey = name === 'REDIS_TLS_KEY_FILE';
  try {
    const parse = isKey ? createPrivateKey : (pem: string) => new X509Certificate(pem);
    parse(content);
    return content;
  } catch {
    faults.push(`${name}: must hold ${isKey ? 'an unencrypted private key' : 'a certificate'} in PEM`);
    return undefined;
  }
}
