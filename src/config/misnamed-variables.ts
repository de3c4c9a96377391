/**
 * Variables under the names that other programs give them. Unread, they would leave a default in the place of what was meant: a Redis
 * of our own, or the sandbox. Repeats no value.
 */
import { REDIS_PLACES } from './redis-variables.ts';

interface Misnaming {
  names: readonly string[];
  /** What to do instead. */
  use: string;
  /** Where one of them is set, the others are taken for another program's. */
  unless: readonly string[];
}

const MISNAMINGS: readonly Misnaming[] = [
  {
    names: ['REDIS_HOST', 'REDIS_HOSTNAME', 'REDIS_SERVER', 'REDIS_ADDR', 'REDIS_ADDRESS', 'REDIS_ENDPOINT'],
    use: 'use REDIS_URL=redis://HOST:PORT',
    unless: REDIS_PLACES,
  },
  { names: ['REDIS_PORT'], use: 'use REDIS_URL=redis://HOST:PORT', unless: REDIS_PLACES },
  {
    names: ['REDIS_DB', 'REDIS_DATABASE'],
    use: 'use REDIS_URL=redis://HOST:PORT/NUMBER',
    unless: REDIS_PLACES,
  },
  {
    names: ['REDIS_URI', 'REDIS_DSN', 'REDIS_TLS_URL', 'REDIS_CONNECTION_STRING', 'REDISCLOUD_URL'],
    use: 'use REDIS_URL',
    unless: REDIS_PLACES,
  },
  {
    names: ['REDIS_PASS', 'REDIS_AUTH'],
    use: 'use REDIS_PASSWORD, or put it into REDIS_URL',
    unless: [...REDIS_PLACES, 'REDIS_PASSWORD'],
  },
  {
    names: ['REDIS_USER'],
    use: 'use REDIS_USERNAME, or put it into REDIS_URL',
    unless: [...REDIS_PLACES, 'REDIS_USERNAME'],
  },
  {
    names: ['DAMOOV_API_KEY', 'DAMOOV_KEY', 'DAMOOV_SECRET'],
    use: 'use DAMOOV_INSTANCE_ID and DAMOOV_INSTANCE_KEY',
    unless: ['DAMOOV_INSTANCE_KEY', 'DAMOOV_INSTANCES_FILE'],
  },
  {
    names: ['DAMOOV_ID', 'DAMOOV_INSTANCE'],
    use: 'use DAMOOV_INSTANCE_ID and DAMOOV_INSTANCE_KEY',
    unless: ['DAMOOV_INSTANCE_ID', 'DAMOOV_INSTANCES_FILE'],
  },
  {
    names: ['DAMOOV_URL', 'DAMOOV_API_URL', 'DAMOOV_HOST', 'DAMOOV_ENDPOINT'],
    use: 'use DAMOOV_BASE_URL',
    unless: ['DAMOOV_BASE_URL'],
  },
  {
    names: ['DAMOOV_EMAIL', 'DAMOOV_USER', 'DAMOOV_USERNAME', 'DAMOOV_LOGIN'],
    use: 'use DAMOOV_ADMIN_EMAIL and DAMOOV_ADMIN_PASSWORD',
    unless: ['DAMOOV_ADMIN_EMAIL'],
  },
  {
    names: ['DAMOOV_PASSWORD', 'DAMOOV_TOKEN', 'DAMOOV_API_TOKEN', 'DAMOOV_ACCESS_TOKEN'],
    use: 'use DAMOOV_ADMIN_EMAIL and DAMOOV_ADMIN_PASSWORD',
    unless: ['DAMOOV_ADMIN_PASSWORD'],
  },
  {
    names: ['REDIS_PREFIX', 'BULLMQ_PREFIX', 'BULL_PREFIX'],
    use: 'use QUEUE_PREFIX',
    unless: ['QUEUE_PREFIX'],
  },
];

/** A fault for each kind, in the order above. @param set the variables that are set and not empty. */
export function misnamedFaults(set: Readonly<Record<string, string | undefined>>): string[] {
  const isSet = (name: string) => set[name] !== undefined;
  return MISNAMINGS.filter(({ unless }) => !unless.some(isSet)).flatMap(({ names, use }) => {
    const given = names.filter((name) => isSet(name) && !isOfPlatform(set[name]));
    return given.map((name) => `${name}: is not read, ${use}`);
  });
}

/** Whether the name has a fault of its own already. */
export function isMisnaming(name: string): boolean {
  return MISNAMINGS.some(({ names }) => names.includes(name));
}

/** Kubernetes gives every container of a namespace the ports of its services: REDIS_PORT=tcp://10.0.0.7:6379. */
function isOfPlatform(value = ''): boolean {
  return /^(tcp|udp):\/\//.test(value);
}
