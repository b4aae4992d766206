/** Quotas: what is counted, what hard limits refuse, and that both survive a restart. */
import test from 'ava';
import fc from 'fast-check';
import { fromSnapshot, toSnapshot } from '../../../core/service/database.js';
import { countUse, quotaOver, readLimits, readUse, statsPath } from '../../../core/service/quota.js';
import { defaultRules } from '../../../core/service/rules.js';
import type { CreateRequest } from '../../../core/service/request.js';
import { nodeAt } from '../../../core/service/tree.js';
import type { Tree } from '../../../core/service/tree.js';
import type { Solo } from './support.js';
import { answerTo, ask, attach, bytes, commit, create, propose, startSolo } from './support.js';

const quota = '/zookeeper/quota';

/** As zkCli's setquota makes them. */
const setQuota = (solo: Solo, subtree: string, limits: string): void => {
  let path = quota;
  for (const name of subtree.slice(1).split('/')) answerTo(solo, 1, create((path += `/${name}`)));
  answerTo(solo, 1, create(`${path}/zookeeper_limits`, 0, limits));
  answerTo(solo, 1, create(`${path}/zookeeper_stats`, 0, 'count=0,bytes=0'));
};

const ready = (limits: string, enforceQuota = true): Solo => {
  const solo = startSolo({ ...defaultRules, enforceQuota });
  attach(solo, 1);
  answerTo(solo, 1, create('/q', 0, 'four'));
  setQuota(solo, '/q', limits);
  return solo;
};

const shownUse = (tree: Tree, subtree = '/q'): string =>
  Buffer.from(nodeAt(tree, statsPath(subtree))?.data ?? []).toString();
const use = (solo: Solo): string => shownUse(solo.state.database.tree);
const errOf = (solo: Solo, request: Parameters<typeof answerTo>[2]): number => answerTo(solo, 1, request).err;
const set = (path: string, data: string): Parameters<typeof answerTo>[2] => ({
  op: 'setData',
  path,
  data: bytes(data),
  version: -1,
});

test('quota: the stats node holds what is there from its creation on, and its Stat does not move', (t) => {
  const solo = ready('count=-1,bytes=-1');
  t.is(use(solo), 'count=1,bytes=4');
  const mzxid = nodeAt(solo.state.database.tree, statsPath('/q'))?.mzxid;
  answerTo(solo, 1, create('/q/a', 0, '123'));
  t.is(use(solo), 'count=2,bytes=7');
  answerTo(solo, 1, set('/q/a', '1'));
  t.is(use(solo), 'count=2,bytes=5');
  answerTo(solo, 1, { op: 'delete', path: '/q/a', version: -1 });
  t.is(use(solo), 'count=1,bytes=4');
  answerTo(solo, 1, create('/elsewhere', 0, 'x'));
  t.is(use(solo), 'count=1,bytes=4');
  t.like(nodeAt(solo.state.database.tree, statsPath('/q')), { version: 0, mzxid });
});

test('quota: the end of a session is counted, and what a client wrote that says nothing is counted anew', (t) => {
  const solo = ready('count=-1,bytes=-1');
  answerTo(solo, 1, create('/q/e', 1, '12'));
  t.is(use(solo), 'count=2,bytes=6');
  answerTo(solo, 1, set(statsPath('/q'), 'nonsense'));
  attach(solo, 2);
  answerTo(solo, 1, create('/q/f', 1, '12'));
  t.is(use(solo), 'count=3,bytes=8');
  ask(solo, 1, 9, { op: 'closeSession' });
  commit(solo);
  t.is(use(solo), 'count=1,bytes=4');
});

test('quota: without limits nothing is counted', (t) => {
  const solo = ready('count=-1,bytes=-1');
  answerTo(solo, 1, { op: 'delete', path: `${quota}/q/zookeeper_limits`, version: -1 });
  answerTo(solo, 1, create('/q/a'));
  t.is(use(solo), 'count=1,bytes=4');
  t.is(quotaOver(solo.state.database.tree, '/q/a'), null);
});

test('quota: hard limits refuse, at their place among the checks; soft ones do not', (t) => {
  const hard = ready('count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=3');
  t.is(errOf(hard, create('/q/a')), 0);
  t.is(errOf(hard, create('/q/b', 0, '1234567')), -125);
  t.is(errOf(hard, create('/q/b', 0, '123456')), 0);
  t.is(errOf(hard, create('/q/c')), -125);
  t.is(errOf(hard, create('/q/a')), -110); // before the quota
  t.is(errOf(hard, { op: 'setData', path: '/q/a', data: bytes('x'), version: 9 }), -125); // before the version
  t.is(errOf(hard, set('/q/b', '1')), 0);
  t.is(errOf(hard, set('/q/a', '12345')), 0);
  t.is(errOf(hard, { op: 'delete', path: '/q/b', version: -1 }), 0);
  t.is(errOf(hard, create('/q/c')), 0);
  t.is(errOf(ready('count=1,bytes=1'), create('/q/a', 0, '12345')), 0);
  const off = ready('count=-1,bytes=-1=;countHardLimit=1', false);
  t.is(errOf(off, create('/q/a')), 0);
});

test('quota: neither one multi nor what is on its way passes a hard limit', (t) => {
  const solo = ready('count=-1,bytes=-1=;countHardLimit=3');
  const parts = ['/q/a', '/q/b', '/q/c'].map((path): CreateRequest => create(path));
  t.like(answerTo(solo, 1, { op: 'multi', parts }).body, { results: [{ err: 0 }, { err: 0 }, { err: -125 }] });
  t.is(use(solo), 'count=1,bytes=4');
  for (const [i, part] of parts.entries()) ask(solo, 1, i, part);
  const errs = commit(solo).flatMap((e) => (e.type === 'Reply' ? [e.reply.err] : []));
  t.deepEqual(errs, [0, 0, -125]);
  t.is(use(solo), 'count=3,bytes=4');
  t.is(solo.leader.outstanding.size, 0);
});

test('quota: the limits of zkCli, of old and new clients, are read', (t) => {
  const none = { count: null, bytes: null, hardCount: null, hardBytes: null };
  t.deepEqual(readLimits(bytes('count=5,bytes=-1')), { ...none, count: 5 });
  t.deepEqual(readLimits(bytes('count=-1,bytes=-1=;byteHardLimit=20;countHardLimit=4')), {
    ...none,
    hardCount: 4,
    hardBytes: 20,
  });
  t.deepEqual(readLimits(bytes('count=1,bytes=2=;byteHardLimit=-1;countHardLimit=-1')), {
    ...none,
    count: 1,
    bytes: 2,
  });
  for (const text of ['', 'rubbish', 'count=x,bytes=y']) {
    t.deepEqual(readLimits(bytes(text)), none);
    t.is(readUse(bytes(text)), null);
  }
  t.deepEqual(readLimits(null), none);
});

test('quota: whatever is written, the use is what a count of the nodes gives, also after a restart', (t) => {
  const path = fc.constantFrom('/q', '/q/a', '/q/b', '/q/a/x', '/r', '/r/y');
  const step = fc.tuple(fc.constantFrom('create', 'ephemeral', 'set', 'delete', 'later'), path, fc.nat({ max: 9 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const solo = ready('count=-1,bytes=-1=;byteHardLimit=60;countHardLimit=4');
      setQuota(solo, '/r', 'count=2,bytes=9');
      for (const [what, at, size] of steps) {
        const data = 'x'.repeat(size);
        if (what === 'later') commit(solo, Math.min(1, solo.pending.length));
        else if (what === 'set') ask(solo, 1, 1, set(at, data));
        else if (what === 'delete') ask(solo, 1, 1, { op: 'delete', path: at, version: -1 });
        else ask(solo, 1, 1, create(at, what === 'ephemeral' ? 1 : 0, data));
      }
      commit(solo);
      const { database } = solo.state;
      const again = fromSnapshot(toSnapshot(database), database.zxid);
      if ('refused' in again) return false;
      const within = countUse(database.tree, '/q').count <= 4;
      const same = ['/q', '/r'].every((subtree) => {
        const { count, bytes: size } = countUse(database.tree, subtree);
        const expected = `count=${count},bytes=${size}`;
        return shownUse(database.tree, subtree) === expected && shownUse(again.database.tree, subtree) === expected;
      });
      return within && same;
    }),
  );
  t.pass();
});

test('quota: a use that a snapshot has wrong is set right on loading', (t) => {
  const solo = ready('count=-1,bytes=-1');
  propose(
    solo,
    {
      session: solo.asked[0] ?? '0100000a740a0000',
      cxid: 1,
      request: set(statsPath('/q'), 'count=7,bytes=7') as never,
      identities: [],
    },
    1,
  );
  commit(solo);
  t.is(use(solo), 'count=7,bytes=7');
  const again = fromSnapshot(toSnapshot(solo.state.database), solo.state.database.zxid);
  t.is('refused' in again ? '' : shownUse(again.database.tree), 'count=1,bytes=4');
});
