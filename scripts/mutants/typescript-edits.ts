/**
 * Finds the mutations of a TypeScript file in its syntax tree: small faults that a programmer could make. Types, imports,
 * strings, logging and `never` checks are not mutated.
 */
import { type Expression, type Node, type Statement, parseSync, visitorKeys } from 'oxc-parser';
import type { Edit } from './mutant.ts';

type Found = Omit<Edit, 'inFunction'>;

const COMPARISONS: Readonly<Record<string, string>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
};
/** If one of these follows `a &&`, then `a` guards it. */
const GUARDED = new Set<string>(['ObjectExpression', 'CallExpression', 'AwaitExpression']);
const LOGGING = /^(?:await |void )?(?:this\.#?)?(?:log|logger|console)\b/;

type OneOf<Type extends Node['type']> = Extract<Node, { type: Type }>;

const OPERATORS: {
  readonly [Type in Node['type']]?: (node: OneOf<Type>, parent: Node, text: string) => Found[];
} = {
  IfStatement: (node, _parent, text) => [
    negation(node.test, text),
    ...(isGuard(node) ? [removal('guard removed', node)] : []),
  ],
  ConditionalExpression: ({ test }, _parent, text) => [negation(test, text)],
  WhileStatement: ({ test }, _parent, text) => [negation(test, text)],
  DoWhileStatement: ({ test }, _parent, text) => [negation(test, text)],
  BinaryExpression: (node, _parent, text) => comparison(node, text),
  LogicalExpression: (node, parent, text) => logical(node, parent, text),
  ExpressionStatement: (node, _parent, text) =>
    isRemovable(node.expression, text) ? [removal('call removed', node)] : [],
  SpreadElement: (node, parent, text) =>
    parent.type === 'ObjectExpression' ? [propertyRemoval(node, text)] : [],
  Property: (node, parent, text) =>
    parent.type === 'ObjectExpression' && isConditional(node.value) ? [propertyRemoval(node, text)] : [],
};

/** @throws if the file has a syntax error. */
export function typescriptEdits(file: string, text: string): Edit[] {
  // Otherwise a condition in parentheses has a node of another type.
  const { program, errors } = parseSync(file, text, { preserveParens: false });
  if (errors[0] !== undefined) throw new Error(`${file}: ${errors[0].message}`);
  const edits: Edit[] = [];
  visit(program, program, '');
  return edits;

  function visit(node: Node, parent: Node, outer: string): void {
    if (isLeftAlone(node)) return;
    const inFunction = nameOf(node, parent, text) ?? outer;
    const found = OPERATORS[node.type]?.(node as never, parent, text) ?? [];
    edits.push(...found.map((edit) => ({ ...edit, inFunction })));
    for (const child of childrenOf(node)) visit(child, node, inFunction);
  }
}

function childrenOf(node: Node): Node[] {
  const fields = node as unknown as Record<string, Node | null | (Node | null)[]>;
  const children = (visitorKeys[node.type] ?? []).flatMap((key) => fields[key] ?? []);
  return children.filter((child) => child !== null);
}

/** Types, imports, and checks for the compiler that a union is complete. */
function isLeftAlone(node: Node): boolean {
  if (node.type === 'TSSatisfiesExpression' || node.type === 'TSAsExpression')
    return node.typeAnnotation.type === 'TSNeverKeyword';
  if (node.type === 'VariableDeclarator')
    return node.id.typeAnnotation?.typeAnnotation.type === 'TSNeverKeyword';
  return (
    node.type === 'ImportDeclaration' || (node.type.startsWith('TS') && node.type !== 'TSNonNullExpression')
  );
}

/** The name of a function where it begins. */
function nameOf(node: Node, parent: Node, text: string): string | undefined {
  if (node.type === 'FunctionDeclaration') return node.id?.name;
  if (node.type !== 'ArrowFunctionExpression' && node.type !== 'FunctionExpression') return undefined;
  if (parent.type === 'VariableDeclarator') return textOf(parent.id, text).split(':')[0];
  if (
    parent.type === 'Property' ||
    parent.type === 'MethodDefinition' ||
    parent.type === 'PropertyDefinition'
  )
    return textOf(parent.key, text);
  return undefined;
}

function comparison(node: OneOf<'BinaryExpression'>, text: string): Found[] {
  const replacement = COMPARISONS[node.operator];
  if (replacement === undefined) return [];
  const at = operatorAt(node, text);
  const operator = replacement.length === 3 ? 'equality inverted' : 'bound moved';
  return [{ operator, start: at, end: at + node.operator.length, at, replacement }];
}

function logical(node: OneOf<'LogicalExpression'>, parent: Node, text: string): Found[] {
  const { left, right, operator, start, end } = node;
  const at = operatorAt(node, text);
  if (operator === '??') {
    return [
      { operator: '?? right dropped', start, end, at, replacement: operand(left, text) },
      { operator: '?? left dropped', start, end, at, replacement: operand(right, text) },
    ];
  }
  const other = operator === '&&' ? '||' : '&&';
  const joined = `${operand(left, text)} ${other} ${operand(right, text)}`;
  const isBare = parent.type === 'LogicalExpression' && !(text[start - 1] === '(' && text[end] === ')');
  const replacement = isBare ? `(${joined})` : joined;
  const swapped = { operator: '&& or || swapped', start, end, at, replacement };
  const isValue = parent.type !== 'LogicalExpression' && operator === '&&';
  const isGuarding = isValue && GUARDED.has(right.type);
  return isGuarding ? [swapped, negation(left, text)] : [swapped];
}

function negation(test: Expression, text: string): Found {
  const known = { operator: 'condition negated', at: test.start };
  if (test.type === 'UnaryExpression' && test.operator === '!')
    return { ...known, ...range(test), replacement: operand(test.argument, text) };
  const [inverted] = test.type === 'BinaryExpression' ? comparison(test, text) : [];
  // This is the same text as the inverted equality: one mutant, not two.
  if (inverted?.operator === 'equality inverted') return { ...inverted, ...known };
  return { ...known, ...range(test), replacement: `!(${textOf(test, text)})` };
}

function operatorAt({ operator, left }: { operator: string; left: Node }, text: string): number {
  return text.indexOf(operator, left.end);
}

/** In parentheses if it had them, or if another operator beside it, or `=>`, would read it differently. */
function operand(node: Node, text: string): string {
  const hadThem = text[node.start - 1] === '(' && text[node.end] === ')';
  const needsThem = hadThem || node.type === 'LogicalExpression' || node.type === 'ObjectExpression';
  return needsThem ? `(${textOf(node, text)})` : textOf(node, text);
}

function removal(operator: string, node: Node): Found {
  return { operator, ...range(node), at: node.start, replacement: ';' };
}

function propertyRemoval(node: Node, text: string): Found {
  const comma = /^\s*,/.exec(text.slice(node.end))?.[0] ?? '';
  const { start } = node;
  return { operator: 'property removed', start, end: node.end + comma.length, at: start, replacement: '' };
}

function isGuard({ consequent, alternate }: OneOf<'IfStatement'>): boolean {
  const last: Statement | undefined =
    consequent.type === 'BlockStatement' ? consequent.body.at(-1) : consequent;
  const leaves = ['ReturnStatement', 'ThrowStatement', 'ContinueStatement', 'BreakStatement'];
  return alternate === null && last !== undefined && leaves.includes(last.type);
}

function isRemovable(expression: Expression, text: string): boolean {
  if (expression.type === 'AwaitExpression') return isRemovable(expression.argument, text);
  if (expression.type === 'UnaryExpression' && expression.operator === 'void')
    return isRemovable(expression.argument, text);
  if (expression.type === 'ChainExpression') return isRemovable(expression.expression, text);
  return (
    expression.type === 'CallExpression' &&
    expression.callee.type !== 'Super' &&
    !LOGGING.test(textOf(expression, text))
  );
}

function isConditional(value: Node): boolean {
  return (
    value.type === 'ConditionalExpression' || (value.type === 'LogicalExpression' && value.operator === '&&')
  );
}

function range({ start, end }: { start: number; end: number }): { start: number; end: number } {
  return { start, end };
}

function textOf({ start, end }: { start: number; end: number }, text: string): string {
  return text.slice(start, end);
}
