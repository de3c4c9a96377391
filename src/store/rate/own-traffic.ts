/**
 * What one process sees of its own traffic: how much is under way, and how much has passed lately. Knows no Redis and holds
 * nothing back itself.
 */

export interface OwnTraffic {
  /**
   * How many more requests may leave while nothing is known of the other side's limit. A fleet that starts with all its jobs
   * at once would be refused most of them: what has passed allows more.
   */
  room(): number;
  left(): void;
  /** @param sentAt when the request was sent whose answer was no refusal; undefined where no answer came. */
  ended(sentAt?: number): void;
  /** How long ago the youngest request was sent that has passed since this was last asked, in milliseconds. */
  takePassedAgoMs(): number | undefined;
  /** Requests that passed in the better of the last two seconds. */
  seenPerS(): number;
  /** What has passed under a limit says nothing of what passes without. */
  forget(): void;
}

/** A process that knows nothing starts with so many requests at once; every eight that pass allow one more. */
const FIRST = 5;
const PASSED_FOR_ONE_MORE = 8;
/** After so long without traffic, in milliseconds, what has passed says nothing any more. */
const FORGET_MS = 60_000;

export function createOwnTraffic(clock: () => number): OwnTraffic {
  let underWay = 0;
  let passed = 0;
  let quietSince = clock();
  let youngest: number | undefined;
  let second = { from: clock(), count: 0 };
  let before = 0;

  const turn = () => {
    const seconds = Math.floor((clock() - second.from) / 1000);
    if (seconds < 1) return;
    before = seconds === 1 ? second.count : 0;
    second = { from: second.from + seconds * 1000, count: 0 };
  };

  return {
    room() {
      if (underWay === 0 && clock() - quietSince > FORGET_MS) passed = 0;
      return Math.max(0, FIRST + Math.floor(passed / PASSED_FOR_ONE_MORE) - underWay);
    },
    left() {
      underWay += 1;
    },
    ended(sentAt) {
      underWay -= 1;
      quietSince = clock();
      if (sentAt === undefined) return;
      passed += 1;
      youngest = Math.max(sentAt, youngest ?? sentAt);
      turn();
      second.count += 1;
    },
    takePassedAgoMs() {
      const agoMs = youngest === undefined ? undefined : clock() - youngest;
      youngest = undefined;
      return agoMs;
    },
    seenPerS() {
      turn();
      return Math.max(before, second.count);
    },
    forget() {
      passed = 0;
    },
  };
}
