/**
 * Knows how to take the values we sent out of what Damoov says about them. It refuses to judge which of them are harmless.
 */
import type { DamoovFault } from './errors.ts';

const maxFaults = 20;
const maxLength = 300;

/**
 * Damoov's Errors[] with every occurrence of the secrets, in any casing, and whatever looks personal replaced by
 * `[redacted]`, and cut to a sane size.
 */
export function redactFaults(faults: readonly DamoovFault[], secrets: readonly string[]): DamoovFault[] {
  if (faults.length === 0) return [];
  const redact = redactor(secrets);
  return faults.slice(0, maxFaults).map(({ key, message }) => ({
    key: redact(key).slice(0, maxLength),
    message: redact(message).slice(0, maxLength),
  }));
}

function redactor(secrets: readonly string[]): (text: string) => string {
  const ours = [...new Set(secrets.flatMap(spellings))]
    // The longest first, or a first name would be cut out of an email and leave the rest standing.
    .sort((a, b) => b.length - a.length)
    .map(pattern);
  const all = new RegExp([...ours, ...PERSONAL].join('|'), 'giu');
  return (text) => text.replace(all, '[redacted]');
}

/** What looks like an email address or a phone number: a message about a conflict may name somebody else's. */
const PERSONAL = [
  String.raw`[^\s@"'<>,;]+@[^\s@"'<>,;]+`,
  String.raw`(?<![\w-])\+?\d[\d ()./-]{5,}\d(?![\w-])`,
];

/** Trimmed, as within JSON, as within a URL, and a phone number as its bare digits. */
function spellings(secret: string): string[] {
  const trimmed = secret.trim();
  const digits = /^[\d\s()+./-]+$/.test(trimmed) ? trimmed.replace(/\D/g, '') : '';
  const inJson = JSON.stringify(trimmed).slice(1, -1);
  // JSON and URLs both put up with a lone surrogate only in its escaped form.
  const inUrl = encodeURIComponent(trimmed.toWellFormed());
  return [trimmed, inJson, inUrl, digits.length >= 6 ? digits : ''].filter((spelling) => spelling !== '');
}

/** One to three characters are redacted as a word only: within words they would tear every message to pieces. */
function pattern(secret: string): string {
  const literal = secret.replace(/[$()*+./?[\\\]^{|}]/g, String.raw`\$&`);
  return secret.length > 3 ? literal : String.raw`(?<![\p{L}\p{N}])${literal}(?![\p{L}\p{N}])`;
}
