import test from 'ava';
import { allows, fixAcl, perm, redacted } from '../../../core/service/acl.js';
import { defaultProviders, ipIdentity } from '../../../core/service/auth.js';
import type { Identity } from '../../../core/service/request.js';
import type { Acl } from '../../../core/service/txn.js';
import { answerTo, anyone, attach, bytes, create, send, startSolo, connectRequest, commit } from './support.js';

const acl = (scheme: string, id: string, perms = 31): readonly Acl[] => [{ perms, scheme, id }];
const ip = (address: string) => [ipIdentity(address)];

/** What one auth packet proves; null: nothing. */
const authenticate = (scheme: string, auth: Uint8Array | null, address: string): Identity | null => {
  const outcome = defaultProviders.get(scheme)?.handleAuthentication(auth, { address, identities: [] });
  return outcome?.type === 'proved' ? (outcome.identities[0] ?? null) : null;
};

test('authenticate: the recorded digests', (t) => {
  const digest = (text: string) => authenticate('digest', bytes(text), '::1');
  t.deepEqual(digest('u:p'), { scheme: 'digest', id: 'u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=' });
  t.deepEqual(digest('super:secret'), { scheme: 'digest', id: 'super:lK75jTNcA+U9vtVEw5vB51mj/w4=' });
  t.deepEqual(digest('abc'), { scheme: 'digest', id: 'abc:qZk+NkcGgWq6PiVxeFDCbJzQ2J0=' });
  t.is(digest('u:p:q')?.id.split(':')[0], 'u');
  t.is(digest('jürgen😀:p')?.id.split(':')[0], 'jürgen😀');
  t.is(authenticate('digest', new Uint8Array([0xff, 0x3a, 0x61]), '')?.id.split(':')[0], '\ufffd');
  t.is(authenticate('digest', null, '::1'), null);
  for (const scheme of ['world', 'auth', 'super', 'sasl', 'nope']) t.is(authenticate(scheme, bytes('u:p'), ''), null);
  t.deepEqual(authenticate('ip', null, '10.0.0.1'), { scheme: 'ip', id: '10.0.0.1' });
});

test('fixAcl: what is stored and what is INVALIDACL', (t) => {
  const known = [...ip('127.0.0.1'), { scheme: 'digest', id: 'u:hash' }];
  t.is(fixAcl(null, known), -114);
  t.is(fixAcl([], known), -114);
  for (const [scheme, id] of [
    ['world', 'someone'],
    ['nope', 'x'],
    ['super', 'x'],
    ['sasl', 'x'],
    ['digest', 'a'],
    ['digest', 'a:'],
    ['digest', 'a:b:c'],
    ['ip', 'localhost'],
    ['ip', '1.2.3'],
    ['ip', '1.2.3.256'],
    ['ip', '1.2.3.4/33'],
    ['ip', '1.2.3.4/-1'],
    ['ip', '1.2.3.4/'],
    ['ip', '::ffff:1.2.3.4'],
    ['ip', '1::2::3'],
    ['ip', '::1/129'],
  ] as const)
    t.is(fixAcl(acl(scheme, id), known), -114, `${scheme}:${id}`);
  for (const [scheme, id] of [
    ['digest', ':b'],
    ['digest', 'a:b:'],
    ['ip', '1.2.3.4'],
    ['ip', '1.2.3.4/0'],
    ['ip', '::1'],
    ['ip', 'fe80::1/64'],
    ['ip', '1:2:3:4:5:6:7:8/128'],
  ] as const)
    t.deepEqual(fixAcl(acl(scheme, id), []), acl(scheme, id), `${scheme}:${id}`);
  t.deepEqual(fixAcl([...anyone, ...anyone], []), anyone);
  t.deepEqual(fixAcl(acl('auth', 'ignored', 3), known), acl('digest', 'u:hash', 3));
  t.is(fixAcl(acl('auth', ''), ip('127.0.0.1')), -114); // an address proves nothing
  t.deepEqual(fixAcl(acl('world', 'anyone', 255), []), acl('world', 'anyone', 255));
});

test('allows: any entry that grants one wanted permission to any identity', (t) => {
  t.true(allows(null, perm.write, []));
  t.true(allows([], perm.admin, []));
  t.false(allows(acl('world', 'anyone', perm.read), perm.write, ip('::1')));
  t.true(allows(acl('world', 'anyone', perm.read), perm.read | perm.admin, []));
  t.true(allows(acl('digest', 'u:h'), perm.read, [{ scheme: 'digest', id: 'u:h' }]));
  t.false(allows(acl('digest', 'u:h'), perm.read, [{ scheme: 'digest', id: 'u:i' }]));
  t.true(allows(acl('digest', 'u:h', 0), perm.read, [{ scheme: 'super', id: '' }]));
  t.true(allows(acl('ip', '10.1.2.3'), perm.read, ip('::ffff:10.1.2.3')));
  t.true(allows(acl('ip', '10.1.0.0/16'), perm.read, ip('10.1.2.3')));
  t.false(allows(acl('ip', '10.1.0.0/16'), perm.read, ip('10.2.2.3')));
  t.true(allows(acl('ip', '10.1.128.0/17'), perm.read, ip('10.1.200.3')));
  t.false(allows(acl('ip', '10.1.128.0/17'), perm.read, ip('10.1.100.3')));
  t.true(allows(acl('ip', '0.0.0.0/0'), perm.read, ip('10.1.100.3')));
  t.true(allows(acl('ip', 'fe80::/10'), perm.read, ip('fe80:0:0:0:0:0:0:1')));
  t.false(allows(acl('ip', 'fe80::/10'), perm.read, ip('10.0.0.1')));
});

test('redacted: digests are hidden', (t) => {
  t.deepEqual(redacted([...acl('digest', 'u:hash'), ...anyone]), [...acl('digest', 'u:x'), ...anyone]);
});

test('identities: a node of one user is closed to others, and its digest shown to its admin only', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  attach(solo, 2);
  t.like(answerTo(solo, 1, { op: 'auth', scheme: 'digest', auth: bytes('u:p') }, -4), { xid: -4, err: 0 });
  t.is(answerTo(solo, 1, create('/mine', 0, 'x', acl('auth', ''))).err, 0);
  t.is(answerTo(solo, 2, { op: 'getData', path: '/mine', watch: false }).err, -102);
  t.is(answerTo(solo, 2, { op: 'exists', path: '/mine', watch: false }).err, -102);
  t.is(answerTo(solo, 2, { op: 'getACL', path: '/mine' }).err, -102);
  const hash = 'u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=';
  t.like(answerTo(solo, 1, { op: 'getACL', path: '/mine' }).body, { acl: acl('digest', hash) });
  answerTo(solo, 1, {
    op: 'setACL',
    path: '/mine',
    acl: [...acl('auth', ''), ...acl('world', 'anyone', 1)],
    version: -1,
  });
  t.like(answerTo(solo, 2, { op: 'getACL', path: '/mine' }).body, {
    acl: [...acl('digest', 'u:x'), ...acl('world', 'anyone', 1)],
  });
  // Identities belong to the connection, not to the session.
  send(solo, { type: 'ClientConnected', conn: 3, address: '127.0.0.1' });
  send(solo, { type: 'ConnectReceived', conn: 3, request: connectRequest() });
  commit(solo);
  t.is(answerTo(solo, 3, { op: 'setData', path: '/mine', data: null, version: -1 }).err, -102);
});
