/**
 * Counts what a backtracking matcher does with a pattern and a text, so that a pattern whose time grows with the square of its
 * input is found for certain, on any machine. Knows the syntax that this code base uses, and refuses any other.
 */

/** A character of a pattern: what it matches, by a pattern of its own. */
export interface Atom {
  readonly is: 'atom';
  readonly matches: (character: string) => boolean;
}
type Node =
  | Atom
  | { readonly is: 'assertion'; readonly holds: (text: string, at: number) => boolean }
  | { readonly is: 'ahead'; readonly node: Node; readonly isNegative: boolean }
  | {
      readonly is: 'repeat';
      readonly node: Node;
      readonly min: number;
      readonly max: number;
      readonly isLazy: boolean;
    }
  | { readonly is: 'sequence' | 'choice'; readonly nodes: readonly Node[] };

export interface Counted {
  /** In the order in which they stand. */
  readonly atoms: readonly Atom[];
  /** Where among them a part begins that may be repeated without end. */
  readonly repeats: readonly number[];
  /** How many characters are looked at until all matches in the text are found. */
  readonly steps: (text: string) => number;
}

const ATOM =
  /^(?:\[(?:\\.|[^\]\\])*\]|\\[pP]\{[^}]*\}|\\u\{[^}]*\}|\\u[\dA-Fa-f]{4}|\\x[\dA-Fa-f]{2}|\\[^bB1-9k]|[^\\()|*+?{^$[])/su;
const QUANTIFIER = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})(\??)/;
/** More than any linear pattern needs for the texts it is given here. */
const MOST_STEPS = 3_000_000;

export function counted(source: string, flags: string): Counted {
  const ownFlags = flags.replaceAll(/[gyd]/g, '');
  const atoms: Atom[] = [];
  const repeats: number[] = [];
  let rest = source;
  const take = (text: string) => {
    const isNext = rest.startsWith(text);
    if (isNext) rest = rest.slice(text.length);
    return isNext;
  };

  function choice(): Node {
    const nodes = [sequence()];
    while (take('|')) nodes.push(sequence());
    return nodes.length === 1 && nodes[0] !== undefined ? nodes[0] : { is: 'choice', nodes };
  }

  function sequence(): Node {
    const nodes: Node[] = [];
    while (rest !== '' && !rest.startsWith('|') && !rest.startsWith(')'))
      nodes.push(repeated(atoms.length, term()));
    return { is: 'sequence', nodes };
  }

  function repeated(from: number, node: Node): Node {
    const [all, sign, least = '', comma, most = '', lazy] = QUANTIFIER.exec(rest) ?? [];
    if (all === undefined) return node;
    rest = rest.slice(all.length);
    const min = sign === undefined ? Number(least) : sign === '+' ? 1 : 0;
    const bound = most === '' ? Infinity : Number(most);
    const max = sign === undefined ? (comma === '' ? min : bound) : sign === '?' ? 1 : Infinity;
    if (max === Infinity) repeats.push(from);
    return { is: 'repeat', node, min, max, isLazy: lazy === '?' };
  }

  function term(): Node {
    for (const sign of ['^', '$', String.raw`\b`, String.raw`\B`]) if (take(sign)) return assertion(sign);
    const behind = /^\(\?<!?[^()]*\)/.exec(rest)?.[0];
    if (behind !== undefined && !/^\(\?<\w/.test(behind)) {
      rest = rest.slice(behind.length);
      return assertion(behind);
    }
    for (const sign of ['(?=', '(?!']) {
      if (take(sign)) return { is: 'ahead', node: closed(), isNegative: sign === '(?!' };
    }
    const open = /^\((?:\?:|\?<\w+>)?/.exec(rest)?.[0];
    if (open !== undefined) {
      rest = rest.slice(open.length);
      return closed();
    }
    const text = ATOM.exec(rest)?.[0];
    if (text === undefined) throw new Error(`this syntax is not counted: ${rest}`);
    rest = rest.slice(text.length);
    const pattern = new RegExp(`^(?:${text})$`, ownFlags);
    const known = new Map<string, boolean>();
    const atom: Atom = {
      is: 'atom',
      matches(character) {
        const isKnown = known.get(character) ?? pattern.test(character);
        known.set(character, isKnown);
        return isKnown;
      },
    };
    atoms.push(atom);
    return atom;
  }

  function closed(): Node {
    const node = choice();
    if (!take(')')) throw new Error(`a group does not end: ${source}`);
    return node;
  }

  /** These look at a character or two. */
  function assertion(sign: string): Node {
    const pattern = new RegExp(sign, `${ownFlags}y`);
    return {
      is: 'assertion',
      holds(text, at) {
        const around = text.slice(Math.max(0, at - 1), at + 1);
        pattern.lastIndex = Math.min(at, 1);
        // The end of the inner part is not the end of the text.
        if (sign === '$') return at === text.length;
        return sign === '^' ? at === 0 : pattern.test(around);
      },
    };
  }

  const root = choice();
  if (rest !== '') throw new Error(`this syntax is not counted: ${rest}`);
  return { atoms, repeats, steps: (text) => stepsOf(root, text) };
}

function stepsOf(root: Node, text: string): number {
  let steps = 0;
  const count = () => {
    steps += 1;
    if (steps > MOST_STEPS) throw new Error('too many steps');
  };

  /** Whether the node matches from here, and what follows it from there. */
  function match(node: Node, at: number, then: (end: number) => boolean): boolean {
    switch (node.is) {
      case 'atom':
        count();
        return at < text.length && node.matches(text.charAt(at)) && then(at + 1);
      case 'assertion':
        count();
        return node.holds(text, at) && then(at);
      case 'ahead':
        return match(node.node, at, () => true) !== node.isNegative && then(at);
      case 'choice':
        return node.nodes.some((option) => match(option, at, then));
      case 'sequence':
        return inOrder(node.nodes, at, then);
      case 'repeat':
        return node.node.is === 'atom' ? manyAtoms(node, node.node, at, then) : many(node, 0, at, then);
    }
  }

  function inOrder([first, ...others]: readonly Node[], at: number, then: (end: number) => boolean): boolean {
    return first === undefined ? then(at) : match(first, at, (end) => inOrder(others, end, then));
  }

  type Repeat = Extract<Node, { is: 'repeat' }>;

  function many(repeat: Repeat, done: number, at: number, then: (end: number) => boolean): boolean {
    const { node, min, max, isLazy } = repeat;
    const once = () =>
      done < max && match(node, at, (end) => (end > at || done < min) && many(repeat, done + 1, end, then));
    const enough = () => done >= min && then(at);
    return isLazy ? enough() || once() : once() || enough();
  }

  /** The same without a call for each character. */
  function manyAtoms(
    { min, max, isLazy }: Repeat,
    atom: Atom,
    at: number,
    then: (end: number) => boolean,
  ): boolean {
    let end = at;
    const grows = () => {
      count();
      return end - at < max && end < text.length && atom.matches(text.charAt(end));
    };
    if (isLazy) {
      for (; ; end += 1) {
        if (end - at >= min && then(end)) return true;
        if (!grows()) return false;
      }
    }
    while (grows()) end += 1;
    for (; end - at >= min; end -= 1) if (then(end)) return true;
    return false;
  }

  for (let at = 0; at <= text.length;) {
    let end = at;
    match(root, at, (reached) => {
      end = reached;
      return true;
    });
    at = Math.max(end, at + 1);
  }
  return steps;
}
