/**
 * A set of line numbers that takes a bit a line.
 */
export interface LineSet {
  add(line: number): void;
  has(line: number): boolean;
  readonly size: number;
}

export function createLineSet(): LineSet {
  let bits = new Uint8Array(1024);
  let size = 0;
  const has = (line: number) => ((bits[line >> 3] ?? 0) & (1 << (line & 7))) !== 0;
  return {
    add(line) {
      if (has(line)) return;
      const place = line >> 3;
      if (place >= bits.length) {
        const more = new Uint8Array(Math.max(bits.length * 2, place + 1));
        more.set(bits);
        bits = more;
      }
      bits[place] = (bits[place] ?? 0) | (1 << (line & 7));
      size += 1;
    },
    has,
    get size() {
      return size;
    },
  };
}
