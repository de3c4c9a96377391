/**
 * Recognises a secret that was copied from an example: everybody knows it. Repeats no value.
 */

/** What nothing here evaluates: a command, a variable, a template. A password that a program draws hardly looks so. */
const EXPRESSION =
  /\$\([A-Za-z_./][^()$]*\)|\$\{[A-Za-z_][^{}$]*\}|\{\{[^{}]*\}\}|^`.*`$|^%[A-Za-z_]\w*%$|^\$[A-Z_][A-Z0-9_]*$/;

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

/** What is written where one is asked for; that of a system that is there may really be so. */
const BARE_WORD = /^(the-)?(pass(-?(word|phrase|wd|code))?|pwd?|secret|key|token)[\d!]*$/;

/**
 * @param source where the right value comes from.
 * @param isOwn whether it is one to be thought of, and not that of another system.
 */
export function placeholderFault(value: string, source: string, isOwn = false): string | undefined {
  const patterns = isOwn ? [...PLACEHOLDERS, BARE_WORD] : PLACEHOLDERS;
  const text = value.toLowerCase().replaceAll(/[\s_]+/g, '-');
  const isPlaceholder = patterns.some((pattern) => pattern.test(text) || pattern.test(value.toLowerCase()));
  return isPlaceholder ? `is the placeholder of an example, which everybody knows: ${source}` : undefined;
}
