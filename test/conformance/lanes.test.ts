import { readFileSync } from 'node:fs';
import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import { readTrace } from 'tla-checker-cli';
import { laneLines } from '../../conformance/lanes.js';

const lines = (path: string, options = {}): readonly string[] => {
  const trace = readTrace(readFileSync(path, 'utf8'));
  return E.isLeft(trace) ? [] : laneLines(trace.right.steps, options);
};

test('a run as a story: each step in the lane of the server that acts, with what it changes there', (t) => {
  const story = lines('traces/ReplicationStickyAck.ndjson', { width: 60 });
  t.regex(story[0] ?? '', /^ +Server 1 +Server 3$/);
  const at = story.findIndex((l) => /^ +2 HandleProposal ← 3 +·$/.test(l));
  t.true(at > 0, story.join('\n'));
  t.regex(story[at + 1] ?? '', /log \[1\.1 2\.1\]/);
  t.true(story.every((l) => l.length <= 60));
});

test('channels and bounds are left out', (t) => {
  const text = lines('traces/ReplicationStickyAck.ndjson').join('\n');
  for (const name of ['net', 'learners', 'budget', 'order']) t.notRegex(text, new RegExp(`^ *${name} `, 'm'), name);
});

test('a run in which nobody acts is no story', (t) => {
  t.deepEqual(laneLines([{ action: 'Init', args: {}, location: null, state: { x: 1 } }]), []);
});
