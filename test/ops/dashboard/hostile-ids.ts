/**
 * Ids as another BullMQ client may choose them, and what a page must not contain of them.
 */
export const HOSTILE_IDS = [
  '<script>alert(1)</script>',
  `"' onmouseover=alert(1) x="`,
  '</code></td><img src=x onerror=alert(1)>',
  'a/b?c=d&e=%2F%00#f',
  '..%2F..%2Fjobs',
  'Ünïcode-名前-😀',
  'rtl-\u202Eevil\u200B',
  'line\nbreak\u0000null',
  `long-${'x'.repeat(3000)}`,
];

/** Markup that only an id can have brought in. */
export const BROKEN_OUT = /<script>|<img|onmouseover=alert\(1\) x="[^&]|href="javascript|[\u202E\u200B]/;
