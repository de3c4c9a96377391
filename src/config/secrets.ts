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

/** Everything else holds no secret. `true`: it is thought up here, and not given by another system. */
const SECRETS: Readonly<Record<string, boolean>> = {
  DAMOOV_INSTANCE_ID: false,
  DAMOOV_INSTANCE_KEY: false,
  DAMOOV_ADMIN_EMAIL: false,
  DAMOOV_ADMIN_PASSWORD: false,
  DAMOOV_USER_ID_SECRET: true,
  REDIS_URL: false,
  REDIS_PASSWORD: false,
  REDIS_SENTINEL_PASSWORD: false,
  DASHBOARD_PASSWORD: true,
  OTEL_EXPORTER_OTLP_HEADERS: false,
};

/** Faults of variables, each by its name. */
export function secretFaults(set: Readonly<Record<string, string>>): string[] {
  return Object.keys(Environment.shape).flatMap((name) => {
    const value = set[name] ?? '';
    const isOwn = SECRETS[name];
    const isCopied =
      isOwn !== undefined && secretsIn(name, value).some((secret) => isPlaceholder(secret, isOwn));
    return faultsOf(name, value, isCopied);
  });
}

/** Faults of the instances of a file, each by its place. */
export function instanceFaults(instances: Readonly<Record<string, InstanceCredentials>>): string[] {
  return Object.entries(instances).flatMap(([name, credentials]) =>
    Object.entries(credentials).flatMap(([field, value = '']) =>
      faultsOf(`${name}.${field}`, value, isPlaceholder(value, field === 'userIdSecret')),
    ),
  );
}

function isPlaceholder(secret: string, isOwn: boolean): boolean {
  const lower = secret.toLowerCase();
  const text = lower.replaceAll(/[\s_]+/g, '-');
  const isKnown = PLACEHOLDERS.some((pattern) => pattern.test(text) || pattern.test(lower));
  return isKnown || (isOwn && BARE_WORD.test(text));
}

/** None, or one. */
function faultsOf(name: string, value: string, isCopied: boolean): string[] {
  if (EXPRESSION.test(value)) {
    const todo = 'run it yourself, and write down what it prints';
    return [`${name}: holds an expression that nothing here evaluates: ${todo}`];
  }
  if (!isCopied) return [];
  const todo = 'write down the real value, or draw one (`openssl rand -base64 24`)';
  return [`${name}: is the placeholder of an example, which everybody knows: ${todo}`];
}

/** Extracts the secret part of a value. */
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
