/**
 * Finds the objects of a JSON file that may be too large to be parsed whole: those of a list, those of the list `users` of an
 * object, and objects that follow one another. Tells them apart, and judges nothing that is in them.
 */
import { NUL_FAULT } from './decode.ts';
import { MOST_OF_ROW } from './row.ts';

export type JsonObject =
  /** Undefined: it is longer than {@link MOST_OF_ROW}. */
  | { is: 'object'; bytes: Buffer | undefined }
  /** Nothing after it can be told apart. */
  | { is: 'broken'; message: string };

const [QUOTE, BACKSLASH, COMMA, COLON] = [34, 92, 44, 58];
const [OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [123, 125, 91, 93];
/** And the bytes of a byte order mark: where files were joined each may begin with one. */
const BLANKS = new Set([32, 9, 10, 13, ...Buffer.from('\uFEFF')]);
const LIST = 'users';

export async function* jsonObjects(bytes: AsyncIterable<Buffer>): AsyncGenerator<JsonObject> {
  const scan = createFileScan();
  for await (const piece of bytes) {
    for (const found of scan.read(piece)) {
      yield found;
      if (found.is === 'broken') return;
    }
  }
  if (scan.isWithin()) yield broken('the file ends within a list or an object: it is not whole');
}

function broken(message: string): JsonObject {
  return { is: 'broken', message };
}

function createFileScan() {
  /** The object that is read, and the one around the list that is read. */
  let object: ObjectScan | undefined;
  let around: ObjectScan | undefined;
  let isList = false;
  /** What stands before in the list. */
  let before: 'nothing' | 'object' | 'comma' = 'nothing';
  let kept = createKept(0);

  return {
    isWithin: () => object !== undefined || isList,
    *read(piece: Buffer): Generator<JsonObject> {
      for (const [at, byte] of piece.entries()) {
        const found = object === undefined ? between(byte, at) : within(object, byte, piece, at);
        if (found !== undefined) yield found;
      }
      if (object !== undefined) kept.add(piece, piece.length);
    },
  };

  function within(read: ObjectScan, byte: number, piece: Buffer, at: number): JsonObject | undefined {
    const step = read.step(byte);
    if (step === 'broken') return broken('a bracket closes what a brace has opened, or the other way round');
    if (step === 'list') beginList(read);
    if (step !== 'ended') return undefined;
    object = undefined;
    if (read.hasList()) return undefined;
    kept.add(piece, at + 1);
    return { is: 'object', bytes: kept.bytes() };
  }

  function between(byte: number, at: number): JsonObject | undefined {
    if (BLANKS.has(byte)) return undefined;
    if (byte === 0) return broken(NUL_FAULT);
    if (byte === OPEN && (!isList || before !== 'object')) {
      object = createObjectScan(isList ? undefined : LIST);
      kept = createKept(at);
      before = 'object';
      return object.step(byte) === 'within' ? undefined : broken('is no JSON object');
    }
    if (!isList && byte === OPEN_LIST) return beginList(undefined);
    if (isList && byte === CLOSE_LIST && before !== 'comma') return endList();
    if (!isList || byte !== COMMA || before !== 'object') {
      return broken('is no JSON object, or has no comma before it');
    }
    before = 'comma';
    return undefined;
  }

  function beginList(by: ObjectScan | undefined): undefined {
    [around, object, isList, before] = [by, undefined, true, 'nothing'];
  }

  function endList(): undefined {
    [object, around, isList] = [around, undefined, false];
  }
}

interface ObjectScan {
  /** Of the next byte. `list`: a list of this name begins, and the next byte is the one after the list. */
  step(byte: number): 'within' | 'list' | 'ended' | 'broken';
  hasList(): boolean;
}

/** @param list the name of the list that is looked for, among the object's own. */
function createObjectScan(list: string | undefined): ObjectScan {
  let depth = 0;
  let hasList = false;
  let isText = false;
  let isEscaped = false;
  /** Of the object's own names the last, as far as it can be that of the list. */
  let name = '';
  /** Behind it; all that is nested is as well. */
  let isValue = false;

  function stepInText(byte: number): void {
    if (!isValue && byte !== QUOTE && name.length <= LIST.length) {
      name += String.fromCharCode(byte);
    }
    if (!isEscaped && byte === QUOTE) isText = false;
    isEscaped = !isEscaped && byte === BACKSLASH;
  }

  function beginText(): void {
    isText = true;
    if (!isValue) name = '';
  }

  function open(byte: number): 'within' | 'list' {
    const isList = byte === OPEN_LIST && depth === 1 && isValue && name === list;
    if (isList) hasList = true;
    else depth += 1;
    return isList ? 'list' : 'within';
  }

  function close(byte: number): 'within' | 'ended' | 'broken' {
    depth -= 1;
    if (depth > 0) return 'within';
    return byte === CLOSE ? 'ended' : 'broken';
  }

  return {
    hasList: () => hasList,
    step(byte) {
      if (isText) stepInText(byte);
      else if (byte === QUOTE) beginText();
      else if (byte === OPEN || byte === OPEN_LIST) return open(byte);
      else if (byte === CLOSE || byte === CLOSE_LIST) return close(byte);
      else if (depth === 1 && byte === COLON) isValue = true;
      else if (depth === 1 && byte === COMMA) isValue = false;
      return 'within';
    },
  };
}

/** The bytes of an object, as many as a row may have. @param from where it begins in the piece that is added first. */
function createKept(from: number) {
  let parts: Buffer[] = [];
  let size = 0;
  let start = from;
  return {
    add(piece: Buffer, end: number): void {
      size += end - start;
      parts = size > MOST_OF_ROW ? [] : [...parts, piece.subarray(start, end)];
      start = 0;
    },
    bytes: () => (size > MOST_OF_ROW ? undefined : Buffer.concat(parts)),
  };
}
