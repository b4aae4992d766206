/** superDigest and skipACL: who may do everything. */
import test from 'ava';
import { defaultRules } from '../../../core/service/rules.js';
import type { Acl } from '../../../core/service/txn.js';
import type { Solo } from './support.js';
import { answerTo, ask, attach, bytes, commit, create, startSolo, told } from './support.js';

const superDigest = 'super:lK75jTNcA+U9vtVEw5vB51mj/w4='; // of super:secret
const shut: readonly Acl[] = [{ perms: 31, scheme: 'digest', id: 'bob:x' }];

const prove = (solo: Solo, conn: number, text: string): readonly string[] =>
  told(ask(solo, conn, -4, { op: 'auth', scheme: 'digest', auth: bytes(text) }));

const ready = (rules = { ...defaultRules, superDigest }): Solo => {
  const solo = startSolo(rules);
  attach(solo, 1);
  answerTo(solo, 1, { ...create('/shut'), acl: shut });
  return solo;
};

test('superDigest: whoever proves it may read, write and see digests; others may not', (t) => {
  const solo = ready();
  t.is(answerTo(solo, 1, { op: 'getData', path: '/shut', watch: false }).err, -102);
  prove(solo, 1, 'super:wrong');
  t.is(answerTo(solo, 1, { op: 'getData', path: '/shut', watch: false }).err, -102);
  t.deepEqual(prove(solo, 1, 'super:secret'), ['1: reply -4 err 0 at 0']);
  t.is(answerTo(solo, 1, { op: 'getData', path: '/shut', watch: false }).err, 0);
  t.is(answerTo(solo, 1, { op: 'setData', path: '/zookeeper/config', data: null, version: -1 }).err, 0);
  t.deepEqual(answerTo(solo, 1, { op: 'getACL', path: '/shut' }).body, {
    ...answerTo(solo, 1, { op: 'getACL', path: '/shut' }).body,
    acl: shut,
  });
  t.like(answerTo(solo, 1, { op: 'whoAmI' }).body, {
    identities: [
      { scheme: 'ip' },
      { scheme: 'digest', id: 'super' },
      { scheme: 'super', id: '' },
      { scheme: 'digest' },
    ],
  });
  t.is(answerTo(solo, 1, { ...create('/a'), acl: [{ perms: 31, scheme: 'super', id: '' }] }).err, -114);
});

test('superDigest: no scheme of that name can be claimed, and without a digest nobody is super', (t) => {
  const solo = ready();
  t.deepEqual(told(ask(solo, 1, -4, { op: 'auth', scheme: 'super', auth: bytes('') })), [
    '1: reply -4 err -115 at 0',
    '1: close, authentication failed',
  ]);
  const without = ready(defaultRules as typeof defaultRules & { superDigest: string });
  prove(without, 1, 'super:secret');
  t.is(answerTo(without, 1, { op: 'getData', path: '/shut', watch: false }).err, -102);
});

test('skipACL: no list counts, for reads, writes and events; lists are checked for form all the same', (t) => {
  const solo = ready({ ...defaultRules, superDigest, skipAcl: true });
  t.is(answerTo(solo, 1, { op: 'getData', path: '/shut', watch: true }).err, 0);
  t.is(answerTo(solo, 1, create('/shut/x')).err, 0);
  t.like(answerTo(solo, 1, { op: 'multiRead', parts: [{ op: 'getData', path: '/shut', watch: false }] }).body, {
    results: [{ op: 'getData' }],
  });
  const lines = told([...ask(solo, 1, 5, { op: 'setData', path: '/shut', data: null, version: -1 }), ...commit(solo)]);
  t.regex(lines.join(), /^1: event 3 \/shut at \d+,1: reply 5 err 0/);
  t.is(answerTo(solo, 1, { ...create('/b'), acl: [] }).err, -114);
  t.deepEqual(answerTo(solo, 1, { op: 'whoAmI' }).body, {
    type: 'identities',
    identities: [{ scheme: 'ip', id: '127.0.0.1' }],
  });
});
