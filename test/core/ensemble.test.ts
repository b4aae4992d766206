/** Configurations as a leader and its followers go by them: what is seen, what decides, what is active. */
import test from 'ava';
import { configurationOf, plainConfiguration, readConfiguration, withVersion } from '../../core/configuration.js';
import type { Configuration } from '../../core/configuration.js';
import {
  activated,
  configurationIn,
  judged,
  needsOf,
  proposed,
  sawAll,
  settled,
  startEnsemble,
  staticEnsemble,
  takenOver,
} from '../../core/ensemble.js';
import type { Txn } from '../../core/service/txn.js';
import { noSession } from '../../core/service/txn.js';
import { txn, zxid } from './replication/support.js';

const members = (...sids: readonly number[]): Configuration =>
  configurationOf({
    members: sids.map((sid) => ({
      sid,
      addresses: [{ host: `s${sid}`, quorumPort: 2888, electionPort: 3888 }],
      role: 'participant',
      client: null,
    })),
    groups: [],
    weights: [],
    version: zxid(0, 0),
  });

const three = members(1, 2, 3);
const four = withVersion(members(1, 2, 3, 4), zxid(1, 2));

const reconfigTo = (next: Configuration): Txn => ({
  session: noSession,
  cxid: 0,
  zxid: next.version,
  timeMs: 0,
  record: { type: 'reconfig', path: '/zookeeper/config', data: Buffer.from(next.text), version: -1 },
  digest: null,
});

test('a reconfig and all behind it need both quorums, what was before it the old one alone', (t) => {
  const e = proposed(proposed(startEnsemble(three, true, []), txn(1, 1)), reconfigTo(four));
  const behind = proposed(e, txn(1, 3));
  const versions = (n: number): readonly string[] => needsOf(behind, zxid(1, n)).map((c) => c.text.slice(-9));
  t.deepEqual(versions(1), ['version=0']);
  t.deepEqual(versions(2), ['version=0', '100000002']);
  t.deepEqual(versions(3), ['version=0', '100000002']);
});

test('committed, the new configuration decides alone on what is proposed from then on', (t) => {
  const pending = proposed(proposed(startEnsemble(three, true, []), reconfigTo(four)), txn(1, 3));
  const active = settled(activated(pending, four), zxid(1, 2));
  t.is(active.active.text, four.text);
  const later = proposed(active, txn(1, 4));
  t.is(needsOf(later, zxid(1, 3)).length, 2);
  t.deepEqual(
    needsOf(later, zxid(1, 4)).map((c) => c.voters),
    [[1, 2, 3, 4]],
  );
  t.deepEqual(settled(later, zxid(1, 4)).needs, []);
});

test('a leader that loses its vote is retired, and an older configuration takes no place', (t) => {
  const e = startEnsemble(three, true, []);
  const without = withVersion(members(2, 3), zxid(1, 5));
  t.true(judged(activated(e, without), 1).retired);
  t.false(judged(activated(e, without), 2).retired);
  t.is(activated(activated(e, without), four).active.text, without.text);
});

test('what a history does not bring was not seen', (t) => {
  const e = sawAll(startEnsemble(three, true, []), [reconfigTo(four)]);
  t.is(e.lastSeen.text, four.text);
  t.is(e.deciding.length, 2);
  t.is(takenOver(e, null, [txn(1, 1)]).lastSeen.text, three.text);
  t.is(takenOver(e, null, [txn(1, 1), reconfigTo(four)]).lastSeen.text, four.text);
  t.is(takenOver(e, four, []).lastSeen.text, four.text);
});

test('where configurations do not change, whatever is said of one is nothing (ZOOKEEPER-3829)', (t) => {
  const e = staticEnsemble(three);
  t.is(sawAll(e, [reconfigTo(four)]), e);
  t.is(takenOver(e, four, [reconfigTo(four)]), e);
  t.is(activated(e, four), e);
  t.is(proposed(e, reconfigTo(four)), e);
});

test('configuration text is read as it is written, and what is none is none', (t) => {
  const text =
    'server.1=a:1:2:participant;3\nserver.2=[::1]:1:2|b:3:4:observer\ngroup.1=1\nweight.1=2\nversion=100000002';
  const read = readConfiguration(text);
  t.is(read?.text, text);
  t.deepEqual(read?.groups, [{ members: [{ server: 1, weight: 2 }] }]);
  t.is(readConfiguration('server.1=a:1'), null);
  t.is(configurationIn(txn(1, 1)), null);
  t.is(configurationIn(reconfigTo(plainConfiguration([1])))?.text, 'version=0');
});
