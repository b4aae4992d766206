import test from 'ava';
import fc from 'fast-check';
import { emptyFifo, first, itemsOf, pop, push } from '../../../core/data/fifo.js';
import type { Fifo } from '../../../core/data/fifo.js';

const isQueue = (steps: readonly (number | null)[], popOf: typeof pop): boolean => {
  const model: number[] = [];
  let queue: Fifo<number> = emptyFifo();
  return steps.every((step) => {
    queue = step === null ? popOf(queue) : push(queue, step);
    if (step === null) model.shift();
    else model.push(step);
    return queue.size === model.length && first(queue) === model[0] && itemsOf(queue).join() === model.join();
  });
};

test('fifo: first in is first out', (t) => {
  fc.assert(fc.property(fc.array(fc.option(fc.nat())), (steps) => isQueue(steps, pop)));
  t.pass();
});

test('fifo: the law finds a pop that does not turn the back over', (t) => {
  const broken: typeof pop = (queue) =>
    queue.front?.next === null && queue.back !== null
      ? { size: queue.size - 1, front: queue.back, back: null }
      : pop(queue);
  t.true(fc.check(fc.property(fc.array(fc.option(fc.nat())), (steps) => isQueue(steps, broken))).failed);
});
