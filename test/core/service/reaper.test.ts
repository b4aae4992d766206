/** Containers and TTL nodes: how they are made, and when the leader takes them away. */
import test from 'ava';
import fc from 'fast-check';
import { reapNodes } from '../../../core/service/leader.js';
import { defaultRules } from '../../../core/service/rules.js';
import type { ServiceRules } from '../../../core/service/rules.js';
import { fromSnapshot, toSnapshot } from '../../../core/service/database.js';
import { containerOwner, nodeAt, reapableOf, ttlOwner } from '../../../core/service/tree.js';
import type { CreateRequest, CreateTTLRequest, MultiPart } from '../../../core/service/request.js';
import type { Solo } from './support.js';
import { answerTo, ask, attach, bytes, commit, create, propose, startSolo, told } from './support.js';

const rules: ServiceRules = {
  ...defaultRules,
  extendedTypes: true,
  reaping: { checkIntervalMs: 1000, maxPerMinute: 60_000, maxNeverUsedMs: 0 },
};

const ready = (reaping = rules.reaping): Solo => {
  const solo = startSolo({ ...rules, reaping });
  attach(solo, 1);
  return solo;
};

const container = (path: string, flags = 4): CreateRequest => ({ ...create(path, flags), op: 'createContainer' });
const withTtl = (path: string, ttl: number, flags = 5): CreateTTLRequest => ({
  ...create(path, flags),
  op: 'createTTL',
  ttl,
});
const del = (path: string): MultiPart => ({ op: 'delete', path, version: -1 });
const isThere = (solo: Solo, path: string): boolean => nodeAt(solo.state.database.tree, path) !== undefined;

/** One turn of the leader's clock; what it asks for is prepared, not committed. @returns the paths */
const turn = (solo: Solo, nowMs: number, wallMs = 0): readonly string[] => {
  const { leader, requests } = reapNodes(solo.leader, solo.state.database, { nowMs, wallMs }, solo.rules);
  solo.leader = leader;
  return requests.map((request) => {
    const { record } = propose(solo, request, 1);
    return record.type === 'deleteContainer' ? record.path : `${record.type} of ${JSON.stringify(request.request)}`;
  });
};

test('createContainer: whatever its flags it makes a container, named as the flags say', (t) => {
  const solo = ready();
  t.like(answerTo(solo, 1, container('/c')), { err: 0, body: { type: 'pathStat', path: '/c' } });
  t.like(answerTo(solo, 1, container('/s-', 2)).body, { path: '/s-0000000001' });
  t.is(answerTo(solo, 1, container('/e', 1)).err, 0);
  for (const path of ['/c', '/s-0000000001', '/e'])
    t.is(nodeAt(solo.state.database.tree, path)?.owner, containerOwner, path);
  t.is(answerTo(solo, 1, create('/c/child', 1)).err, 0); // no ephemeral node, so it may have children
  const seen = answerTo(solo, 1, { op: 'exists', path: '/c', watch: false }).body;
  t.like(seen, { stat: { ephemeralOwner: '0000000000000000', numChildren: 1 } });
  t.is(answerTo(solo, 1, container('/x', 5)).err, -8); // a TTL without a time
});

test('createTTL: flags and time must fit, and the record is never one that a server cannot apply', (t) => {
  const solo = ready();
  for (const ttl of [1, 0xffffffffff]) t.is(answerTo(solo, 1, withTtl(`/t${ttl}`, ttl)).err, 0);
  t.is(nodeAt(solo.state.database.tree, '/t1')?.owner, ttlOwner(1));
  t.like(answerTo(solo, 1, withTtl('/s-', 9, 6)).body, { path: '/s-0000000002' });
  for (const ttl of [0, -1, 0xffffffffff + 1, Number.MAX_SAFE_INTEGER])
    t.is(answerTo(solo, 1, withTtl('/no', ttl)).err, -8, String(ttl));
  for (const flags of [0, 1, 2, 3, 4, 7])
    for (const ttl of [-1, 5]) t.is(answerTo(solo, 1, withTtl('/no', ttl, flags)).err, -8);
  for (const flags of [5, 6]) t.is(answerTo(solo, 1, create('/no', flags)).err, -8);
  t.false(isThere(solo, '/no'));
});

test('multi: containers and TTL nodes are answered as create2', (t) => {
  const solo = ready();
  const { body } = answerTo(solo, 1, { op: 'multi', parts: [container('/c'), withTtl('/t', 5), del('/c')] });
  t.like(body, { results: [{ op: 'create2', path: '/c' }, { op: 'create2', path: '/t' }, { op: 'delete' }] });
});

test('deleteContainer: unknown from a client', (t) => {
  const solo = ready();
  answerTo(solo, 1, container('/c'));
  t.deepEqual(told([...ask(solo, 1, 7, { op: 'deleteContainer', path: '/c' }), ...commit(solo)]), [
    '1: reply 7 err -6 at none',
    '1: close, unknown operation',
  ]);
  t.true(isThere(solo, '/c'));
});

test('reapNodes: a container goes once its last child is gone, one that never had a child stays', (t) => {
  const solo = ready();
  for (const request of [
    container('/used'),
    create('/used/x'),
    container('/new'),
    container('/full'),
    create('/full/x'),
  ])
    t.is(answerTo(solo, 1, request).err, 0);
  t.deepEqual(turn(solo, 1000), []);
  answerTo(solo, 1, { op: 'delete', path: '/used/x', version: -1 });
  t.deepEqual(turn(solo, 1999), []); // the next look is due at 2000
  t.deepEqual(turn(solo, 2000), ['/used']);
  t.deepEqual(turn(solo, 3000), []); // it is on its way
  commit(solo);
  t.deepEqual(
    ['/used', '/new', '/full'].map((path) => isThere(solo, path)),
    [false, true, true],
  );
  t.deepEqual(turn(solo, 4000), []);
});

test('reapNodes: with a limit of its own a container that was never used goes too', (t) => {
  const solo = ready({ ...rules.reaping, maxNeverUsedMs: 500 });
  answerTo(solo, 1, container('/new'));
  const made = nodeAt(solo.state.database.tree, '/new')?.mtimeMs ?? 0;
  t.deepEqual(turn(solo, 1000, made + 500), []);
  t.deepEqual(turn(solo, 2000, made + 501), ['/new']);
});

test('reapNodes: a TTL node goes when it was left alone for its time; children hold it, data begin it anew', (t) => {
  const solo = ready();
  answerTo(solo, 1, withTtl('/t', 1000));
  const mtime = (): number => nodeAt(solo.state.database.tree, '/t')?.mtimeMs ?? 0;
  const made = mtime();
  t.deepEqual(turn(solo, 1000, made + 1000), []);
  answerTo(solo, 1, { op: 'setData', path: '/t', data: bytes('x'), version: -1 });
  t.true(mtime() > made);
  t.deepEqual(turn(solo, 2000, made + 1001), []);
  answerTo(solo, 1, create('/t/x'));
  t.deepEqual(turn(solo, 3000, mtime() + 1001), []);
  answerTo(solo, 1, { op: 'delete', path: '/t/x', version: -1 });
  t.deepEqual(turn(solo, 4000, mtime() + 1001), ['/t']);
});

test('reapNodes: what has something on its way is left for the next look', (t) => {
  const solo = ready();
  for (const request of [container('/c'), create('/c/x'), del('/c/x'), withTtl('/t', 1)])
    answerTo(solo, 1, request as CreateRequest);
  ask(solo, 1, 1, create('/c/y'));
  ask(solo, 1, 2, { op: 'setData', path: '/t', data: null, version: -1 });
  t.deepEqual(turn(solo, 1000, 1e9), []);
  commit(solo);
  t.deepEqual(turn(solo, 2000, 1e9), ['/t']);
  t.true(isThere(solo, '/c/y'));
});

test('reapNodes: no more go than maxPerMinute allows, and all in the end', (t) => {
  const solo = ready({ ...rules.reaping, maxPerMinute: 600 }); // one in 100 ms
  for (let i = 0; i < 10; i += 1) answerTo(solo, 1, withTtl(`/t${i}`, 1));
  const gone = [1000, 1050, 1100, 1450, 1500, 5000].map((at) => turn(solo, at, 1e9).length);
  t.deepEqual(gone, [1, 0, 1, 3, 1, 4]);
  commit(solo);
  t.deepEqual(reapableOf(solo.state.database.tree), []);
});

test('reapNodes: the list of containers and TTL nodes follows every write, and survives a snapshot', (t) => {
  const name = fc.constantFrom('/a', '/b', '/a/x', '/b/x');
  const step = fc.tuple(fc.constantFrom('plain', 'container', 'ttl', 'ephemeral', 'delete'), name);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const solo = ready();
      for (const [what, path] of steps) {
        if (what === 'container') answerTo(solo, 1, container(path));
        else if (what === 'ttl') answerTo(solo, 1, withTtl(path, 5));
        else if (what === 'delete') answerTo(solo, 1, { op: 'delete', path, version: -1 });
        else answerTo(solo, 1, create(path, what === 'ephemeral' ? 1 : 0));
      }
      const { database } = solo.state;
      const expected = ['/a', '/a/x', '/b', '/b/x'].filter((path) =>
        [containerOwner, ttlOwner(5)].includes(nodeAt(database.tree, path)?.owner ?? ''),
      );
      const again = fromSnapshot(toSnapshot(database), database.zxid);
      if ('refused' in again) return false;
      return [database.tree, again.database.tree].every(
        (tree) => [...reapableOf(tree)].sort().join() === expected.join(),
      );
    }),
  );
  t.pass();
});
