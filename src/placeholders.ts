/**
 * Recognises a secret that was copied from an example: everybody knows it. Repeats no value.
 */

/** What nothing here evaluates: a command, a variable, a template. A password that a program draws hardly looks so. */
const EXPRESSION = /\$\([A-Za-z_./][^()$]*\)|\$\{[A-Za-z_][^{}$]*\}|\{\{[^{}]*\}\}|^`.*`$/;

const PLACEHOLDERS: readonly RegExp[] = [
  // <your password>
  /<[a-z0-9][\w .,'…-]*>/,
  /^(please-)?(change|replace)-?(me|this|it)\b/,
  /^(your|my)-([a-z]+-)*(password|passphrase|secret|key|token|id|email)$/,
  /^(an?|another|the|some)-([a-z]+-)*(password|passphrase|secret|token|instance-(id|key))$/,
  // at-least-16-characters
  /\b\d+-(or-more-)?(characters|chars)\b/,
  /^(insert|enter|fill-in|put)-|-here$/,
  /^(another|example|placeholder|todo|tbd|fixme|undefined|null|redacted|\[redacted\])$/,
  // xxxx, ****, …
  /^(x{3,}|\*{3,}|\.{3,}|•{3,}|\?{3,}|_{3,}|-{3,}|…+)$/,
];

/** What to do about a value that is an expression or a placeholder; undefined where it is neither. */
export function expressionFault(value: string): string | undefined {
  return EXPRESSION.test(value)
    ? 'holds an expression that nothing here evaluates: run it yourself, and write down what it prints'
    : undefined;
}

/** @param source where the right value comes from. */
export function placeholderFault(value: string, source: string): string | undefined {
  const text = value.toLowerCase().replaceAll(/[\s_]+/g, '-');
  const isPlaceholder = PLACEHOLDERS.some(
    (pattern) => pattern.test(text) || pattern.test(value.toLowerCase()),
  );
  return isPlaceholder ? `is the placeholder of an example, which everybody knows: ${source}` : undefined;
}
