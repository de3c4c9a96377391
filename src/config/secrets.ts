/**
 * Recognises a secret that was copied from an example: everybody knows it. Repeats no value.
 */
import { Environment } from './environment.ts';
import type { InstanceCredentials } from './instances-file.ts';

/** What nothing here evaluates: a command, a variable, a template. A password that a program draws hardly looks so. */
const EXPRESSION =
  /\$\([A-Za-z_./][^()$]*\)|\$\{[A-Za-z_][^{}$]*\}|\{\{[^{}]*\}\}|^`.*`$|^%[A-Za-z_]\w*%$|^\$[A-Z_][A-Z0-9_]*$/;

/** Of text in lower case, with `-` for blanks and underscores. */
const PLACEHOLDERS: readonly RegExp[] = [
  // <your password>
  /<[a-z0-9][\w .,'…-]*>/,
  /^(please-)?(change|replace)-?(me|this|it)\b/,
  /^(your|my|an?|another|the|some)-([a-z]+-)*(password|passphrase|secret|token|instance-(id|key))$/,
  /^(your|my)-([a-z]+-)*(key|id|email)$/,
  // at-least-16-characters
  /\b\d+-(or-more-)?(characters|chars)\b/,
  /^(insert|enter|fill-in|put)-|-here$/,
  /^(another|example|placeholder|todo|tbd|fixme|undefined|null|redacted|\[redacted\])$/,
  // xxxx, ****, …
  /^(x{3,}|\*{3,}|\.{3,}|•{3,}|\?{3,}|_{3,}|-{3,}|…+)$/,
  // Reserved for examples: no account is there.
  /[@.]example(\.(com|net|org))?$/,
];

/** A secret of our own is never so; that of another system may be. */
const BARE_WORD = /^(the-)?(pass(-?(word|phrase|wd|code))?|pwd?|secret|key|token)[\d!]*$/;

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

/** Faults of variables, each by its name. */
export function secretFaults(set: Readonly<Record<string, string>>): string[] {
  return Object.keys(Environment.shape).flatMap((name) => {
    const value = set[name];
    return value === undefined ? [] : copiedFaults(name, value, SOURCES[name], secretsIn(name, value));
  });
}

/** Faults of the instances of a file, each by its place. */
export function instanceFaults(instances: Readonly<Record<string, InstanceCredentials>>): string[] {
  return Object.entries(instances).flatMap(([name, credentials]) =>
    Object.entries(credentials).flatMap(([field, value = '']) =>
      copiedFaults(`${name}.${field}`, value, field === 'userIdSecret' ? DRAWN : OF_DAMOOV, [value]),
    ),
  );
}

/** None, or one. */
function copiedFaults(
  name: string,
  value: string,
  source: string | undefined,
  secrets: readonly string[],
): string[] {
  if (EXPRESSION.test(value)) {
    return [
      `${name}: holds an expression that nothing here evaluates: run it yourself, and write down what it prints`,
    ];
  }
  const patterns = source === DRAWN ? [...PLACEHOLDERS, BARE_WORD] : PLACEHOLDERS;
  const isCopied = secrets.some((secret) => {
    const lower = secret.toLowerCase();
    const text = lower.replaceAll(/[\s_]+/g, '-');
    return patterns.some((pattern) => pattern.test(text) || pattern.test(lower));
  });
  if (source === undefined || !isCopied) return [];
  return [`${name}: is the placeholder of an example, which everybody knows: ${source}`];
}

/** What is secret of a value. */
function secretsIn(name: string, value: string): string[] {
  if (name === 'REDIS_URL') {
    const { username = '', password = '' } = URL.parse(value) ?? {};
    return [username, password].map(decoded);
  }
  if (name !== 'OTEL_EXPORTER_OTLP_HEADERS') return [value];
  // `authorization=Bearer%20TOKEN,…`
  return value.split(',').map((header) => decoded(header).split(/[ =]/).at(-1) ?? '');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
