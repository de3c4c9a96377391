/**
 * Recognises secrets that were copied from an example, and so are public. Never repeats a value.
 */
import { Environment } from './environment.ts';
import type { InstanceCredentials } from './instances-file.ts';

/** Anything that is not evaluated here: a command, a variable, a template. A generated password hardly looks like this. */
const EXPRESSION =
  /\$\([A-Za-z_./][^()$]*\)|\$\{[A-Za-z_][^{}$]*\}|\{\{[^{}]*\}\}|^`.*`$|^%[A-Za-z_]\w*%$|^\$[A-Z_][A-Z0-9_]*$/;

/** Compared in lower case, with `-` for blanks and underscores. */
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
  // Reserved for examples: it has no account.
  /[@.]example(\.(com|net|org))?$/,
];

/** Not valid for a secret of our own; another system's secret may be like this. */
const BARE_WORD = /^(the-)?(pass(-?(word|phrase|wd|code))?|pwd?|secret|key|token)[\d!]*$/;

/** The variables with secrets. `true`: our own secret; false: another system's. */
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
  DASHBOARD_OPERATOR_PASSWORD: true,
  OTEL_EXPORTER_OTLP_HEADERS: false,
  ALERTS_WEBHOOK_URL: false,
};

/** Faults of variables, by name. */
export function secretFaults(set: Readonly<Record<string, string>>): string[] {
  return Object.keys(Environment.shape).flatMap((name) => {
    const value = set[name] ?? '';
    const isOwn = SECRETS[name];
    const isCopied =
      isOwn !== undefined && secretsIn(name, value).some((secret) => isPlaceholder(secret, isOwn));
    return faultsOf(name, value, isCopied);
  });
}

/** Faults of the instances of a file, by place. */
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

function faultsOf(name: string, value: string, isCopied: boolean): string[] {
  if (EXPRESSION.test(value)) {
    const todo = 'run it yourself and use its output';
    return [`${name}: holds an expression, which is not evaluated: ${todo}`];
  }
  if (!isCopied) return [];
  const todo = 'use the real value, or generate one (`openssl rand -base64 24`)';
  return [`${name}: is a placeholder of an example, which is public: ${todo}`];
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
