/**
 * Which variables hold secrets, and what is wrong with one that was copied from an example. Repeats no value.
 */
import { Environment } from './environment.ts';
import type { InstanceCredentials } from './instances-file.ts';
import { expressionFault, placeholderFault } from './placeholders.ts';

const OF_DAMOOV = 'write down what Damoov gave you';
const OF_REDIS = 'write down the password of your Redis';
const DRAWN = 'make one of your own, such as `openssl rand -base64 24` prints';

/** Where the right value of each comes from. */
const SOURCES: Readonly<Record<string, string>> = {
  DAMOOV_INSTANCE_ID: OF_DAMOOV,
  DAMOOV_INSTANCE_KEY: OF_DAMOOV,
  DAMOOV_ADMIN_EMAIL: OF_DAMOOV,
  DAMOOV_ADMIN_PASSWORD: OF_DAMOOV,
  DAMOOV_USER_ID_SECRET: DRAWN,
  REDIS_URL: OF_REDIS,
  REDIS_PASSWORD: OF_REDIS,
  REDIS_SENTINEL_PASSWORD: OF_REDIS,
  DASHBOARD_PASSWORD: DRAWN,
  OTEL_EXPORTER_OTLP_HEADERS: 'write down the token of the receiver',
};

/** Reserved for examples: no account is there. */
const EXAMPLE_ADDRESS = /[@.]example(\.(com|net|org))?$/i;

/** Faults of variables, each by its name. */
export function secretFaults(set: Readonly<Record<string, string | undefined>>): string[] {
  const known = Object.keys(Environment.shape);
  return known.flatMap((name) => {
    const value = set[name];
    const faults = value === undefined ? [] : [expressionFault(value) ?? copiedFault(name, value)];
    return faults.flatMap((fault) => (fault === undefined ? [] : [`${name}: ${fault}`]));
  });
}

/** Faults of the instances of a file, each by its place. */
export function instanceFaults(instances: Readonly<Record<string, InstanceCredentials>>): string[] {
  return Object.entries(instances).flatMap(([name, { id, key, userIdSecret }]) =>
    Object.entries({ id, key, userIdSecret }).flatMap(([field, value = '']) => {
      const source = field === 'userIdSecret' ? DRAWN : OF_DAMOOV;
      const fault = expressionFault(value) ?? placeholderFault(value, source, source === DRAWN);
      return fault === undefined ? [] : [`${name}.${field}: ${fault}`];
    }),
  );
}

function copiedFault(name: string, value: string): string | undefined {
  const source = SOURCES[name];
  if (source === undefined) return undefined;
  if (name === 'DAMOOV_ADMIN_EMAIL' && EXAMPLE_ADDRESS.test(value)) {
    return `is the address of an example: ${source}`;
  }
  for (const secret of secretsIn(name, value)) {
    const fault = placeholderFault(secret, source, source === DRAWN);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** What is secret of a value. */
function secretsIn(name: string, value: string): string[] {
  if (name === 'REDIS_URL') {
    const { username = '', password = '' } = URL.parse(value) ?? {};
    return [username, password].map(decoded);
  }
  if (name === 'OTEL_EXPORTER_OTLP_HEADERS') {
    // `authorization=Bearer%20TOKEN,…`
    return value.split(',').map(
      (header) =>
        decoded(header.slice(header.indexOf('=') + 1))
          .split(' ')
          .at(-1) ?? '',
    );
  }
  return [value];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
