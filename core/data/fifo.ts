/** Persistent queue: first in, first out; a push or pop costs constant time on average. */
type Cell<T> = { readonly item: T; readonly next: Cell<T> | null };

export type Fifo<T> = { readonly size: number; readonly front: Cell<T> | null; readonly back: Cell<T> | null };

const emptyQueue: Fifo<never> = { size: 0, front: null, back: null };

export const emptyFifo = <T>(): Fifo<T> => emptyQueue;

/** The queue with `item` behind all others. The front is empty only when the queue is. */
export const push = <T>(queue: Fifo<T>, item: T): Fifo<T> =>
  queue.front === null
    ? { size: 1, front: { item, next: null }, back: null }
    : { size: queue.size + 1, front: queue.front, back: { item, next: queue.back } };

export const first = <T>(queue: Fifo<T>): T | undefined => queue.front?.item;

/** The queue without its first item; an empty queue stays as it is. */
export const pop = <T>(queue: Fifo<T>): Fifo<T> => {
  if (queue.front === null) return queue;
  if (queue.size === 1) return emptyQueue;
  return queue.front.next === null
    ? { size: queue.size - 1, front: reversed(queue.back), back: null }
    : { size: queue.size - 1, front: queue.front.next, back: queue.back };
};

export const itemsOf = <T>(queue: Fifo<T>): readonly T[] => {
  const items: T[] = [];
  for (let cell = queue.front; cell !== null; cell = cell.next) items.push(cell.item);
  for (let cell = reversed(queue.back); cell !== null; cell = cell.next) items.push(cell.item);
  return items;
};

const reversed = <T>(cell: Cell<T> | null): Cell<T> | null => {
  let result: Cell<T> | null = null;
  for (let at = cell; at !== null; at = at.next) result = { item: at.item, next: result };
  return result;
};
