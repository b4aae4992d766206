/** Authentication schemes, enforced authentication, checks at the learner, and what an audit log is told. */
import test from 'ava';
import {
  digestProvider,
  ensembleProvider,
  ipProvider,
  providersOf,
  saslProvider,
  x509Provider,
} from '../../../core/index.js';
import type { AuditEntry, AuthProvider, ServiceRules } from '../../../core/index.js';
import { isDistinguishedName } from '../../../core/service/distinguishedName.js';
import type { ClientRequest } from '../../../core/service/request.js';
import { defaultRules } from '../../../core/service/rules.js';
import type { ServiceEffect } from '../../../core/service/service.js';
import type { Acl } from '../../../core/service/txn.js';
import { answerTo, ask, attach, bytes, commit, connectRequest, create, send, startSolo, told } from './support.js';
import type { Solo } from './support.js';

const acl = (scheme: string, id: string, perms = 31): readonly Acl[] => [{ perms, scheme, id }];

const rulesWith = (auth: Partial<ServiceRules['auth']>, rest: Partial<ServiceRules> = {}): ServiceRules => ({
  ...defaultRules,
  ...rest,
  auth: {
    ...defaultRules.auth,
    providers: providersOf([
      ipProvider,
      digestProvider(),
      x509Provider,
      saslProvider,
      ensembleProvider(['prod', 'alt']),
    ]),
    ...auth,
  },
});

const read = (path: string): ClientRequest => ({ op: 'getData', path, watch: false });
const auth = (scheme: string, text: string): ClientRequest => ({ op: 'auth', scheme, auth: bytes(text) });
const whoAmI: ClientRequest = { op: 'whoAmI' };

/** A connection over TLS whose client has shown a certificate. */
const attachWith = (solo: Solo, conn: number, subject: string): void => {
  send(solo, {
    type: 'ClientConnected',
    conn,
    address: '127.0.0.1',
    proved: [{ scheme: 'x509', id: subject }],
  });
  send(solo, { type: 'ConnectReceived', conn, request: connectRequest() });
  commit(solo);
};

/** Schemes of a connection. */
const schemes = (solo: Solo, conn: number): readonly string[] => {
  const { body } = answerTo(solo, conn, whoAmI);
  return body.type === 'identities' ? body.identities.map((i) => i.scheme) : [];
};

const sasl = (user: string | null, failed = false, token: string | null = 't'): ClientRequest => ({
  op: 'sasl',
  token: null,
  answer: { token: token === null ? null : bytes(token), user, failed },
});

test('a scheme of an embedder: its ids are proved, named in lists, matched and shown as it says', (t) => {
  const teams: AuthProvider = {
    scheme: 'team',
    isValid: (id) => /^[a-z]+(\/[a-z]+)?$/.test(id),
    matches: (known, id) => known === id || known.startsWith(`${id}/`),
    isAuthenticated: true,
    handleAuthentication: (token) => {
      const said = token === null ? '' : Buffer.from(token).toString();
      return said.endsWith('!')
        ? { type: 'proved', identities: [{ scheme: 'team', id: said.slice(0, -1) }] }
        : { type: 'refused' };
    },
    userName: (id) => id.split('/').at(-1) ?? id,
  };
  const solo = startSolo(rulesWith({ providers: providersOf([ipProvider, teams]) }));
  for (const conn of [1, 2, 3]) attach(solo, conn);
  t.is(answerTo(solo, 1, auth('team', 'ops/bob!'), -4).err, 0);
  t.is(answerTo(solo, 2, auth('team', 'dev/eve!'), -4).err, 0);
  t.is(answerTo(solo, 1, create('/ops', 0, 'x', acl('team', 'ops'))).err, 0);
  t.is(answerTo(solo, 1, create('/mine', 0, 'x', acl('auth', ''))).err, 0);
  t.is(answerTo(solo, 1, create('/no', 0, 'x', acl('team', 'OPS'))).err, -114);
  t.is(answerTo(solo, 1, create('/no', 0, 'x', acl('digest', 'a:b'))).err, -114); // digest is not of this registry
  for (const [conn, err] of [
    [1, 0],
    [2, -102],
    [3, -102],
  ] as const)
    // prettier-ignore
    for (const path of ['/ops', '/mine']) t.is(answerTo(solo, conn, read(path)).err, err, `${path} by ${conn}`);
  t.like(answerTo(solo, 1, { op: 'getACL', path: '/mine' }).body, { acl: acl('team', 'ops/bob') });
  t.like(answerTo(solo, 1, whoAmI).body, { identities: [{ scheme: 'ip' }, { scheme: 'team', id: 'bob' }] });
  t.deepEqual(told(ask(solo, 3, -4, auth('team', 'ops'))), [
    '3: reply -4 err -115 at 0',
    '3: close, authentication failed',
  ]);
});

test('reserved schemes cannot be taken over', (t) => {
  const everybody: AuthProvider = { ...ipProvider, scheme: 'super', isValid: () => true, matches: () => true };
  t.deepEqual([...providersOf([ipProvider, everybody, { ...everybody, scheme: 'world' }]).keys()], ['ip']);
});

test('digest: another algorithm makes other ids', (t) => {
  const reversed = digestProvider((text) => text.slice().reverse());
  t.deepEqual(reversed.handleAuthentication(bytes('u:p'), { address: '', identities: [] }), {
    type: 'proved',
    identities: [{ scheme: 'digest', id: 'u:cDp1' }],
  });
});

test('x509: the subject of the connection is an identity; lists name distinguished names', (t) => {
  const solo = startSolo(rulesWith({ superX509: 'CN=root,O=Acme' }));
  attachWith(solo, 1, 'CN=bob,O=Acme');
  attachWith(solo, 2, 'CN=root,O=Acme');
  attach(solo, 3);
  t.is(answerTo(solo, 1, create('/mine', 0, 'x', acl('auth', ''))).err, 0);
  t.like(answerTo(solo, 1, { op: 'getACL', path: '/mine' }).body, { acl: acl('x509', 'CN=bob,O=Acme') });
  t.deepEqual([1, 2, 3].map((conn) => answerTo(solo, conn, read('/mine')).err), [0, 0, -102]); // prettier-ignore
  t.is(answerTo(solo, 1, create('/a', 0, 'x', acl('x509', 'CN=eve,OU=Dev'))).err, 0);
  t.is(answerTo(solo, 1, create('/b', 0, 'x', acl('x509', 'eve'))).err, -114);
  t.is(answerTo(solo, 1, auth('x509', ''), -4).err, 0);
  t.like(answerTo(solo, 2, whoAmI).body, {
    identities: [{ scheme: 'ip' }, { scheme: 'super', id: '' }, { scheme: 'x509', id: 'CN=root,O=Acme' }],
  });
  t.deepEqual(told(ask(solo, 3, -4, auth('x509', ''))).at(-1), '3: close, authentication failed');
});

test('distinguished names: what Java takes for one', (t) => {
  for (const good of [
    'CN=a',
    'cn=a, O=b',
    'CN=a+OU=b,C=US',
    'CN="a,b"',
    'CN=a\\,b',
    '2.5.4.3=x',
    'OID.2.5.4.3=x',
    'CN=#0c0161',
    '',
  ])
    t.true(isDistinguishedName(good), good);
  for (const bad of ['a', 'CN', '=a', 'XX=a', 'CN=a,b', 'CN="a', 'CN=a\\', 'CN=a<b', 'CN=#zz', '9.9=a'])
    t.false(isDistinguishedName(bad), bad);
});

test('SASL: a challenge is passed on, a proved user is an identity, an exchange that fails ends the connection', (t) => {
  const solo = startSolo(rulesWith({ superSasl: ['root'] }));
  for (const conn of [1, 2, 3]) attach(solo, conn);
  t.deepEqual(answerTo(solo, 1, sasl(null, false, 'challenge'), 7), {
    xid: 7,
    zxid: { epoch: 0, counter: 0 },
    err: 0,
    body: { type: 'token', token: bytes('challenge') },
  });
  t.deepEqual(schemes(solo, 1), ['ip']);
  answerTo(solo, 1, sasl('bob'));
  answerTo(solo, 2, sasl('root'));
  t.is(answerTo(solo, 1, create('/mine', 0, 'x', acl('auth', ''))).err, 0);
  t.like(answerTo(solo, 1, { op: 'getACL', path: '/mine' }).body, { acl: acl('sasl', 'bob') });
  t.deepEqual([1, 2, 3].map((conn) => answerTo(solo, conn, read('/mine')).err), [0, 0, -102]); // prettier-ignore
  const failed = ask(solo, 3, 9, sasl(null, true));
  t.deepEqual(told(failed), ['3: reply 9 err -115 at 0', '3: close, authentication failed']);
  t.like(failed[0], { reply: { body: { type: 'token', token: null } } });
});

test('SASL: where nobody offers it a token is answered with none; a failure may be forgiven', (t) => {
  const solo = startSolo(rulesWith({ keepSaslFailed: true }));
  attach(solo, 1);
  t.like(answerTo(solo, 1, { op: 'sasl', token: null }), { err: 0, body: { type: 'token', token: null } });
  t.is(answerTo(solo, 1, sasl('bob', true)).err, 0);
  t.deepEqual(schemes(solo, 1), ['ip']);
});

test('SASL: answers keep their place behind writes', (t) => {
  const solo = startSolo(rulesWith({}));
  attach(solo, 1);
  t.deepEqual(told(ask(solo, 1, 5, create('/a'))), []);
  t.deepEqual(told(ask(solo, 1, 6, sasl('bob'))), []);
  t.deepEqual(told(commit(solo)), ['1: reply 5 err 0 at 2', '1: reply 6 err 0 at 0']);
});

test('ensemble: the right name and none are welcome, a wrong one is closed without a word', (t) => {
  const solo = startSolo(rulesWith({}));
  for (const conn of [1, 2]) attach(solo, conn);
  for (const name of ['prod', 'alt', '']) t.is(answerTo(solo, 1, auth('ensemble', name), -4).err, 0, name);
  t.deepEqual(schemes(solo, 1), ['ip']);
  t.is(answerTo(solo, 1, create('/a', 0, 'x', acl('ensemble', 'prod'))).err, -114);
  t.deepEqual(told(ask(solo, 2, -4, auth('ensemble', 'wrong'))), ['2: close, another ensemble']);
  const any = ensembleProvider(null).handleAuthentication(bytes('whatever'), { address: '', identities: [] });
  t.is(any.type, 'proved');
});

test('enforced authentication: nothing but a proof is taken from a connection without one', (t) => {
  const solo = startSolo(rulesWith({ required: ['digest', 'x509'] }));
  for (const conn of [1, 2, 3]) attach(solo, conn);
  attachWith(solo, 4, 'CN=bob');
  t.deepEqual(told(ask(solo, 1, 5, read('/'))), ['1: reply 5 err -124 at 0', '1: close, authentication required']);
  t.deepEqual(told(ask(solo, 2, 6, { op: 'ping' })), ['2: reply 6 err -124 at 0', '2: close, authentication required']);
  t.is(answerTo(solo, 3, auth('digest', 'u:p'), -4).err, 0);
  t.is(answerTo(solo, 3, read('/')).err, 0);
  t.is(answerTo(solo, 4, read('/')).err, 0);
});

test('enforced SASL: a failed exchange is answered as such, whatever may be forgiven', (t) => {
  const solo = startSolo(rulesWith({ required: ['x509', 'sasl'], keepSaslFailed: true }));
  for (const conn of [1, 2]) attach(solo, conn);
  t.deepEqual(told(ask(solo, 1, 5, sasl(null, true))).at(0), '1: reply 5 err -124 at 0');
  t.is(answerTo(solo, 2, sasl('bob')).err, 0);
  t.is(answerTo(solo, 2, read('/')).err, 0);
});

const shut = acl('digest', 'bob:x');
const writes: readonly (readonly [ClientRequest, number])[] = [
  [create('/shut/a'), -102],
  [{ op: 'delete', path: '/shut/kept', version: -1 }, -102],
  [{ op: 'setData', path: '/shut', data: null, version: -1 }, -102],
  [{ op: 'setACL', path: '/shut', acl: acl('world', 'anyone'), version: -1 }, -102],
];

test('eager check: what the lists here forbid takes no transaction; the rest goes its way', (t) => {
  for (const eagerCheck of [true, false]) {
    const solo = startSolo(rulesWith({ eagerCheck }));
    attach(solo, 1);
    answerTo(solo, 1, { ...create('/shut'), acl: shut });
    const before = solo.counter;
    for (const [request, err] of writes) t.is(answerTo(solo, 1, request).err, err);
    t.is(solo.counter - before, eagerCheck ? 0 : writes.length);
    t.is(answerTo(solo, 1, create('/open')).err, 0);
    t.is(answerTo(solo, 1, create('/none/a')).err, -101);
    t.is(answerTo(solo, 1, { op: 'setData', path: 'odd', data: null, version: -1 }).err, -8);
  }
});

test('eager check: behind a write of its own a client is judged by the leader', (t) => {
  const solo = startSolo(rulesWith({ eagerCheck: true }));
  attach(solo, 1);
  answerTo(solo, 1, auth('digest', 'u:p'), -4);
  answerTo(solo, 1, { ...create('/a'), acl: acl('digest', 'u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=', 16) });
  ask(solo, 1, 5, { op: 'setACL', path: '/a', acl: acl('world', 'anyone'), version: -1 });
  ask(solo, 1, 6, { op: 'setData', path: '/a', data: null, version: -1 });
  t.deepEqual(told(commit(solo)), ['1: reply 5 err 0 at 3', '1: reply 6 err 0 at 4']);
});

const audited = (effects: readonly ServiceEffect[]): readonly AuditEntry[] =>
  effects.flatMap((e) => (e.type === 'Audit' ? [e.entry] : []));

test('audit: an entry for each node that a write names, with who, what and the outcome', (t) => {
  const solo = startSolo(rulesWith({}, { audit: true }));
  const { session } = attach(solo, 1);
  answerTo(solo, 1, auth('digest', 'bob:secret'), -4);
  const told_ = (request: ClientRequest): readonly (readonly unknown[])[] =>
    audited([...ask(solo, 1, 1, request), ...commit(solo)]).map((e) => {
      t.like(e, { session, user: '127.0.0.1,bob', ip: '127.0.0.1' });
      return [e.operation, e.znode, e.znodeType, e.acl, e.result];
    });
  t.deepEqual(told_(create('/a')), [['create', '/a', 'persistent', null, 'success']]);
  t.deepEqual(told_(create('/a')), [['create', '/a', 'persistent', null, 'failure']]);
  t.deepEqual(told_(create('/a/s', 3)), [['create', '/a/s0000000000', 'ephemeral_sequential', null, 'success']]);
  t.deepEqual(told_({ ...create('/c', 4), op: 'createContainer' }), [['create', '/c', 'container', null, 'success']]);
  t.deepEqual(told_({ op: 'setData', path: '/a', data: null, version: 7 }), [['setData', '/a', null, null, 'failure']]);
  t.deepEqual(
    told_({ op: 'setACL', path: '/a', acl: [...acl('ip', '::1', 3), ...acl('world', 'anyone')], version: -1 }),
    [['setAcl', '/a', null, 'ip:::1:rwworld:anyone:cdrwa', 'success']],
  );
  const parts = [create('/m'), { op: 'setData', path: '/m', data: null, version: -1 } as const, { op: 'check', path: '/m', version: 1 } as const]; // prettier-ignore
  t.deepEqual(told_({ op: 'multi', parts }), [
    ['create', '/m', 'persistent', null, 'success'],
    ['setData', '/m', null, null, 'success'],
  ]);
  t.deepEqual(told_({ op: 'multi', parts }), [['multiOperation', null, null, null, 'failure']]);
  t.deepEqual(told_({ op: 'delete', path: '/m', version: -1 }), [['delete', '/m', null, null, 'success']]);
  t.deepEqual(told_(read('/a')), []);
  t.deepEqual(told_({ op: 'sync', path: '/' }), []);
  const last = audited([...ask(solo, 1, 9, { op: 'closeSession' }), ...commit(solo)]);
  t.deepEqual(last, [
    {
      session,
      user: null,
      ip: null,
      operation: 'ephemeralZNodeDeletionOnSessionCloseOrExpire',
      znode: '/a/s0000000000',
      znodeType: null,
      acl: null,
      result: 'success',
    },
  ]);
});

test('audit: a client that has left is in the log all the same, and what the eager check refuses', (t) => {
  const solo = startSolo(rulesWith({ eagerCheck: true }, { audit: true }));
  attach(solo, 1);
  answerTo(solo, 1, { ...create('/shut'), acl: shut });
  t.like(audited(ask(solo, 1, 4, writes[0]?.[0] ?? whoAmI)), [
    { operation: 'create', znode: '/shut/a', result: 'failure' },
  ]);
  ask(solo, 1, 5, create('/a'));
  send(solo, { type: 'ClientClosed', conn: 1 });
  t.like(audited(commit(solo)), [{ operation: 'create', znode: '/a', result: 'success' }]);
});

test('audit: off, nothing is told', (t) => {
  const solo = startSolo(rulesWith({}));
  attach(solo, 1);
  t.deepEqual(audited([...ask(solo, 1, 5, create('/a', 1)), ...commit(solo)]), []);
  t.deepEqual(audited([...ask(solo, 1, 6, { op: 'closeSession' }), ...commit(solo)]), []);
});
