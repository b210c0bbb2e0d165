/** Who tries to log in, and what for. */
export type Who =
  /** A program of the owner's, whatever its password is. */
  | 'owner'
  /** An owner who sets a program up and mistypes. */
  | 'typo'
  /** One of a botnet: a few passwords over all accounts. */
  | 'spray'
  /** Somebody after one account. */
  | 'target';

/** One login that somebody tries. */
export interface LoginEvent {
  readonly atMs: number;
  readonly who: Who;
  readonly account: string;
  readonly address: string;
  readonly password: string;
  /** The program that tries. */
  readonly device: string;
}

/** What one of the world's inhabitants does, in the order of time. It never looks at the answers: all gates see the same. */
export type Life = Iterator<LoginEvent, void, void>;

/** All lives as one, in the order of time. */
export function* mergeLives(lives: Iterable<Life>): Generator<LoginEvent, void, void> {
  const heap: Heap = [];
  for (const life of lives) {
    const { value, done } = life.next();
    if (!done) push(heap, { event: value, life });
  }
  for (let first = heap[0]; first !== undefined; first = heap[0]) {
    yield first.event;
    const { value, done } = first.life.next();
    if (!done) first.event = value;
    else {
      const last = heap.pop();
      if (last === undefined || heap.length === 0) continue;
      heap[0] = last;
    }
    sink(heap);
  }
}

interface Waiting {
  event: LoginEvent;
  readonly life: Life;
}

/** Each is no later than the two at twice its place and one and two more. */
type Heap = Waiting[];

function isEarlier(one: Waiting | undefined, other: Waiting | undefined): boolean {
  return one !== undefined && (other === undefined || one.event.atMs < other.event.atMs);
}

function push(heap: Heap, waiting: Waiting): void {
  let place = heap.push(waiting) - 1;
  while (place > 0) {
    const above = (place - 1) >> 1;
    if (!isEarlier(heap[place], heap[above])) return;
    swap(heap, [place, above]);
    place = above;
  }
}

function sink(heap: Heap): void {
  let place = 0;
  for (;;) {
    const left = 2 * place + 1;
    const lower = isEarlier(heap[left + 1], heap[left]) ? left + 1 : left;
    if (!isEarlier(heap[lower], heap[place])) return;
    swap(heap, [place, lower]);
    place = lower;
  }
}

function swap(heap: Heap, [one, other]: readonly [number, number]): void {
  const [first, second] = [heap[one], heap[other]];
  if (first === undefined || second === undefined) return;
  heap[one] = second;
  heap[other] = first;
}
