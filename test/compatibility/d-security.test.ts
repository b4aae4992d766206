/** Group D of the table of features: who may do what, and who one is. TLS and servers: d-tls.test.ts. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import { errorCode } from '../../core/service/error.js';
import type { ClientRequest, Identity, Reply } from '../../core/service/request.js';
import type { Acl } from '../../core/service/txn.js';
import type { AuthProvider } from '../../core/service/auth.js';
import { decodeConfig } from '../../shell/config.js';
import { runServer } from '../../shell/server.js';
import { nodeDisk } from '../../shell/storage/nodeDisk.js';
import { freePorts } from '../system/ports.js';
import { answerChallenge, clientRealm } from '../../shell/net/digestMd5.js';
import type { Client, Servers } from './frame.js';
import {
  create,
  done,
  errOf,
  eventually,
  exists,
  getChildren,
  getData,
  openAcl,
  remove,
  row,
  setData,
  superAuth,
} from './frame.js';

const all = 31;
const acl = (scheme: string, id: string, perms = all): Acl => ({ perms, scheme, id });
const withAcl = (path: string, ...list: readonly Acl[]): ClientRequest => ({ ...create(path, 'x'), acl: list });
const setAcl = (path: string, list: readonly Acl[], version = -1): ClientRequest => ({
  op: 'setACL',
  path,
  acl: list,
  version,
});
const getAcl = (path: string): ClientRequest => ({ op: 'getACL', path });
const auth = (scheme: string, text: string | Buffer): ClientRequest => ({
  op: 'auth',
  scheme,
  auth: Buffer.from(text),
});
/** As clients do: auth packets have xid -4. */
const prove = (client: Client, scheme: string, text: string | Buffer): Promise<Reply> =>
  client.call(auth(scheme, text), -4);

const digestOf = (text: string, algorithm = 'sha1'): string =>
  `${text.split(':')[0] ?? ''}:${createHash(algorithm).update(text).digest('base64')}`;

const aclOf = ({ body }: Reply): readonly Acl[] => (body.type === 'aclStat' ? body.acl : []);
const identitiesOf = ({ body }: Reply): readonly Identity[] => (body.type === 'identities' ? body.identities : []);
const whoAmI = async (client: Client): Promise<readonly string[]> =>
  identitiesOf(await done(client, { op: 'whoAmI' })).map((i) => `${i.scheme}:${i.id}`).toSorted(); // prettier-ignore

row(
  'D1',
  'each of the five permissions guards its operations, create and delete on the parent',
  async ({ t, path, client }) => {
    const [owner, other] = [await client(), await client(1)];
    await prove(owner, 'digest', 'owner:x');
    const perms = { read: 1, write: 2, create: 4, delete: 8, admin: 16 };
    for (const [name, bit] of Object.entries(perms)) {
      const node = `${path}-${name}`;
      await done(owner, withAcl(node, acl('world', 'anyone', all - bit), acl('digest', digestOf('owner:x'))));
      await done(owner, withAcl(`${node}/child`, acl('world', 'anyone')));
      await done(other, { op: 'sync', path: '/' });
      const refused = async (request: ClientRequest): Promise<boolean> =>
        (await errOf(other, request)) === errorCode.noAuth;
      t.deepEqual(
        {
          read: (await refused(getData(node))) && (await refused(exists(node))) && (await refused(getChildren(node))),
          write: await refused(setData(node, 'y')),
          create: await refused(create(`${node}/new`)),
          delete: await refused(remove(`${node}/child`)),
          admin: await refused(setAcl(node, [acl('world', 'anyone', all - bit), acl('digest', digestOf('owner:x'))])),
        },
        Object.fromEntries(Object.keys(perms).map((n) => [n, n === name])),
        `without ${name}`,
      );
      for (const request of [getData(node), setData(node, 'z'), setAcl(node, [...openAcl])])
        t.is(await errOf(owner, request), 0);
    }
  },
);

row(
  'D2',
  'getACL and setACL with versions; hashes are hidden from those without ADMIN',
  async ({ t, path, client }) => {
    const [owner, other] = [await client(), await client()];
    await prove(owner, 'digest', 'owner:x');
    const mine = acl('digest', digestOf('owner:x'));
    await done(owner, withAcl(path, mine, acl('world', 'anyone', 1)));
    t.deepEqual(aclOf(await done(owner, getAcl(path)))[0], mine);
    t.deepEqual(aclOf(await done(other, getAcl(path)))[0], acl('digest', 'owner:x'));
    t.is(await errOf(owner, setAcl(path, [mine], 7)), errorCode.badVersion);
    const { body } = await done(owner, setAcl(path, [mine, acl('world', 'anyone', 16)], 0));
    t.is(body.type === 'stat' ? body.stat.aversion : -1, 1);
    t.is(aclOf(await done(other, getAcl(path))).length, 2, 'ADMIN alone is enough to look');
    t.is(await errOf(other, getData(path)), errorCode.noAuth);
    for (const list of [[], [acl('nope', 'x')], [acl('world', 'x')], [acl('digest', 'x')]]) t.is(await errOf(owner, setAcl(path, list)), errorCode.invalidAcl); // prettier-ignore
    t.is(await errOf(owner, getAcl(`${path}-none`)), errorCode.noNode);
  },
);

row('D3', 'world:anyone is open to all', async ({ t, path, client }) => {
  const [a, b] = [await client(), await client(1)];
  await done(a, create(path, 'x'));
  await done(b, { op: 'sync', path: '/' });
  t.deepEqual(aclOf(await done(b, getAcl(path))), [...openAcl]);
  for (const request of [getData(path), setData(path, 'y'), setAcl(path, [...openAcl]), remove(path)])
    t.is(await errOf(b, request), 0);
});

row(
  'D4',
  'auth stands for all that the connection has proved; nothing proved is an error',
  async ({ t, path, client }) => {
    const [a, b] = [await client(), await client()];
    t.is(await errOf(a, withAcl(path, acl('auth', ''))), errorCode.invalidAcl);
    await prove(a, 'digest', 'one:x');
    await prove(a, 'digest', 'two:x');
    await done(a, withAcl(path, acl('auth', 'ignored', 3)));
    const stored = aclOf(await done(a, { op: 'getACL', path }));
    t.deepEqual(stored.map((e) => `${e.perms} ${e.scheme} ${e.id.split(':')[0] ?? ''}`).toSorted(), ['3 digest one', '3 digest two']); // prettier-ignore
    await prove(b, 'digest', 'two:x');
    t.is(await errOf(b, getData(path)), 0);
  },
);

row('D5', 'digest: the hash of user and password; a missing password is a failure', async ({ t, path, client }) => {
  const [a, b, c] = [await client(), await client(), await client()];
  await done(a, withAcl(path, acl('digest', 'u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=')));
  t.is(await errOf(a, getData(path)), errorCode.noAuth);
  await prove(b, 'digest', 'u:q');
  t.is(await errOf(b, getData(path)), errorCode.noAuth);
  t.deepEqual(await prove(b, 'digest', 'u:p'), {
    xid: -4,
    zxid: { epoch: 0, counter: 0 },
    err: 0,
    body: { type: 'none' },
  });
  t.is(await errOf(b, getData(path)), 0);
  t.is((await c.call({ op: 'auth', scheme: 'digest', auth: null }, -4)).err, errorCode.authFailed);
  t.is(await c.ended, 'the connection has ended');
  const d = await client();
  t.is((await prove(d, 'nope', 'x')).err, errorCode.authFailed);
  await d.ended;
});

row('D5', 'digest: another algorithm', async ({ t, servers, clientOf }) => {
  const { members } = await servers({ size: 1, settings: ['DigestAuthenticationProvider.digestAlg=SHA-256'] });
  const port = members[0]?.clientPort ?? 0;
  const [a, b] = [await clientOf(port), await clientOf(port)];
  await done(a, withAcl('/long', acl('digest', digestOf('u:p', 'sha256'))));
  await done(a, withAcl('/short', acl('digest', digestOf('u:p', 'sha1'))));
  await prove(b, 'digest', 'u:p');
  t.deepEqual([await errOf(b, getData('/long')), await errOf(b, getData('/short'))], [0, errorCode.noAuth]);
}, { alone: true }); // prettier-ignore

row('D6', 'ip: addresses and networks', async ({ t, path, client }) => {
  const c = await client();
  for (const [i, [id, err]] of (
    [
      ['127.0.0.1', 0],
      ['127.0.0.0/8', 0],
      ['0.0.0.0/0', 0],
      ['10.0.0.0/8', -102],
      ['127.0.0.2', -102],
      ['::1', -102],
    ] as const
  ).entries()) {
    // prettier-ignore
    await done(c, withAcl(`${path}-${i}`, acl('ip', id)));
    t.is(await errOf(c, getData(`${path}-${i}`)), err, id);
  }
  for (const id of ['localhost', '1.2.3.4/33', '1.2.3', '::1/129']) t.is(await errOf(c, withAcl(`${path}-bad`, acl('ip', id))), errorCode.invalidAcl, id); // prettier-ignore
});

const saslProvider = 'authProvider.sasl=org.apache.zookeeper.server.auth.SASLAuthenticationProvider';
const jaasText = 'Server { org.apache.zookeeper.server.auth.DigestLoginModule required user_super="adminsecret" user_bob="bobsecret"; };\n'; // prettier-ignore

const files = mkdtempSync(join(tmpdir(), 'zabkeeper-jaas-'));
test.after.always('files are removed', () => rmSync(files, { recursive: true }));

/** A line that names a file of users. */
const jaasIn = (name: string): string => {
  const file = join(files, `${name}.conf`);
  writeFileSync(file, jaasText);
  return `java.security.auth.login.config=${file}`;
};

/** A whole exchange as clients have it; the answer to its last token. */
export const saslLogin = async (client: Client, user: string, password: string): Promise<Reply> => {
  const first = await client.call({ op: 'sasl', token: Buffer.alloc(0) });
  const challenge = first.body.type === 'token' ? Buffer.from(first.body.token ?? []) : Buffer.alloc(0);
  const answer = answerChallenge(challenge, clientRealm, user, password, 'c0ffee');
  if (E.isLeft(answer)) throw new Error(answer.left);
  const last = await client.call({ op: 'sasl', token: answer.right.token });
  const token = last.body.type === 'token' ? Buffer.from(last.body.token ?? []) : Buffer.alloc(0);
  if (last.err === 0 && !answer.right.isServer(token)) throw new Error('the server cannot prove itself');
  return last;
};

row('D8', 'SASL DIGEST-MD5: a user of the JAAS file has the id sasl:user; a wrong password ends the connection', async ({ t, servers, clientOf }) => {
  const { members } = await servers({ size: 1, settings: [saslProvider, jaasIn('D8')] });
  const port = members[0]?.clientPort ?? 0;
  const [a, b, c, d] = [await clientOf(port), await clientOf(port), await clientOf(port), await clientOf(port)];
  t.is((await saslLogin(a, 'bob', 'bobsecret')).err, 0);
  t.deepEqual(await whoAmI(a), ['ip:127.0.0.1', 'sasl:bob']);
  await done(a, withAcl('/bobs', acl('auth', '')));
  t.deepEqual(aclOf(await done(a, getAcl('/bobs'))), [acl('sasl', 'bob')]);
  t.is(await errOf(b, getData('/bobs')), errorCode.noAuth);
  const failed = await saslLogin(c, 'bob', 'wrong');
  t.deepEqual([failed.err, failed.body], [errorCode.authFailed, { type: 'token', token: null }]);
  await c.ended;
  t.is((await saslLogin(d, 'super', 'adminsecret')).err, 0);
  t.is(await errOf(d, getData('/bobs')), 0, 'the user super has the rights of every SASL user');
  const garbage = await clientOf(port);
  await garbage.call({ op: 'sasl', token: Buffer.from('garbage') });
  t.is((await garbage.call({ op: 'sasl', token: Buffer.from('garbage') })).err, errorCode.authFailed);
}, { alone: true }); // prettier-ignore

row('D10', 'the super user passes every list, by digest', async ({ t, path, client }) => {
  const [a, b] = [await client(), await client()];
  await done(a, withAcl(path, acl('digest', 'nobody:x')));
  t.is(await errOf(a, getData(path)), errorCode.noAuth);
  t.is((await prove(b, 'digest', superAuth)).err, 0);
  for (const request of [getData(path), setData(path, 'y'), create(`${path}/a`), remove(`${path}/a`)])
    t.is(await errOf(b, request), 0);
  t.deepEqual(aclOf(await done(b, getAcl(path))), [acl('digest', 'nobody:x')]);
  t.is(await errOf(a, withAcl(`${path}-s`, acl('super', ''))), errorCode.invalidAcl);
});

row('D10', 'a super user by SASL', async ({ t, servers, clientOf }) => {
  const { members } = await servers({ size: 1, settings: [saslProvider, jaasIn('D10'), 'superUser=bob'] });
  const [a, b] = [await clientOf(members[0]?.clientPort ?? 0), await clientOf(members[0]?.clientPort ?? 0)];
  await done(a, withAcl('/shut', acl('digest', 'nobody:x')));
  await saslLogin(b, 'bob', 'bobsecret');
  t.deepEqual([await errOf(a, getData('/shut')), await errOf(b, getData('/shut'))], [errorCode.noAuth, 0]);
}, { alone: true }); // prettier-ignore

row('D11', 'skipACL: no list is looked at', async ({ t, servers, clientOf }) => {
  const { members } = await servers({ size: 1, settings: ['skipACL=yes'] });
  const a = await clientOf(members[0]?.clientPort ?? 0);
  await done(a, withAcl('/shut', acl('digest', 'nobody:x')));
  for (const request of [getData('/shut'), setData('/shut', 'y'), setAcl('/shut', [...openAcl]), remove('/shut')]) t.is(await errOf(a, request), 0);
}, { alone: true }); // prettier-ignore

row('D12', 'enforced authentication: -124 and the end for whoever has proved nothing', async ({ t, servers, clientOf }) => {
  const { members } = await servers({ size: 1, settings: ['enforce.auth.enabled=true', 'enforce.auth.schemes=digest'] });
  const port = members[0]?.clientPort ?? 0;
  const [a, b] = [await clientOf(port), await clientOf(port)];
  t.deepEqual(await a.call(getData('/')), { xid: 1, zxid: { epoch: 0, counter: 0 }, err: -124, body: { type: 'none' } });
  await a.ended;
  await prove(b, 'digest', 'u:p');
  t.is(await errOf(b, exists('/')), 0);
}, { alone: true }); // prettier-ignore

row('D12', 'sessionRequireClientSASLAuth', async ({ t, servers, clientOf }) => {
  const { members } = await servers({ size: 1, settings: [saslProvider, jaasIn('D12'), 'sessionRequireClientSASLAuth=true', 'allowSaslFailedClients=true'] });
  const port = members[0]?.clientPort ?? 0;
  const [a, b, c] = [await clientOf(port), await clientOf(port), await clientOf(port)];
  t.is(await errOf(a, getData('/')), -124);
  t.is((await saslLogin(b, 'bob', 'wrong')).err, -124);
  await saslLogin(c, 'bob', 'bobsecret');
  t.is(await errOf(c, exists('/')), 0);
}, { alone: true }); // prettier-ignore

row('D13', 'ensemble names: a listed one and none are welcome, another is closed without an answer', async ({ t, servers, clientOf }) => {
  const settings = ['authProvider.ensemble=org.apache.zookeeper.server.auth.EnsembleAuthenticationProvider', 'ensembleAuthName=prod,alt'];
  const { members } = await servers({ size: 1, settings });
  const port = members[0]?.clientPort ?? 0;
  const [a, b] = [await clientOf(port), await clientOf(port)];
  for (const name of ['prod', 'alt', '']) t.is((await prove(a, 'ensemble', name)).err, 0);
  t.is(await errOf(a, exists('/')), 0);
  await t.throwsAsync(prove(b, 'ensemble', 'wrong'), { message: /the connection has ended/ });
}, { alone: true }); // prettier-ignore

row('D14', 'a scheme of your own, given to the server that is run from code', async ({ t, clientOf }) => {
  const dir = mkdtempSync(join(tmpdir(), 'zabkeeper-scheme-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const [port = 0] = await freePorts(1);
  const config = decodeConfig({
    file: 'zoo.cfg',
    text: `dataDir=${dir}\nclientPort=${port}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n`,
    readText: () => null,
    ownAddresses: [],
  });
  if (E.isLeft(config)) return t.fail(JSON.stringify(config.left));
  const team: AuthProvider = {
    scheme: 'team',
    isValid: (id) => id.length > 0,
    matches: (known, id) => known.split('/')[0] === id,
    isAuthenticated: true,
    handleAuthentication: (token) =>
      token === null ? { type: 'refused' } : { type: 'proved', identities: [{ scheme: 'team', id: Buffer.from(token).toString() }] },
  };
  const server = runServer({ config: config.right, disk: nodeDisk, log: () => undefined, onFatal: (what) => t.fail(what), authProviders: [team] });
  if (E.isLeft(server)) return t.fail(server.left.message);
  t.teardown(server.right.stop);
  const dial = (): Promise<Client> => eventually('it serves', () => clientOf(port).catch(() => null));
  const [a, b] = [await dial(), await dial()];
  await prove(a, 'team', 'ops/bob');
  await prove(b, 'team', 'dev/eve');
  await done(a, withAcl('/ops', acl('team', 'ops')));
  t.deepEqual([await errOf(a, getData('/ops')), await errOf(b, getData('/ops'))], [0, errorCode.noAuth]);
  t.deepEqual(await whoAmI(a), ['ip:127.0.0.1', 'team:ops/bob']);
  t.is(await errOf(a, withAcl('/bad', acl('team', ''))), errorCode.invalidAcl);
}, { alone: true, oursOnly: true }); // prettier-ignore

row('D15', 'whoAmI: every id of the connection, without secrets', async ({ t, client }) => {
  const c = await client();
  t.deepEqual(await whoAmI(c), ['ip:127.0.0.1']);
  await prove(c, 'digest', 'u:p');
  await prove(c, 'digest', 'u:p');
  t.deepEqual(await whoAmI(c), ['digest:u', 'ip:127.0.0.1']);
  const d = await client();
  t.deepEqual(await whoAmI(d), ['ip:127.0.0.1'], 'ids are of the connection');
});

row('D20', 'audit: a line for each write, with who, where, what and how it ended', async ({ t, kind, servers, clientOf }) => {
  const started = await servers({ size: 1, processes: true, settings: ['audit.enable=true', ...(kind === 'apache' ? [auditLevel] : [])] });
  const [member] = started.members;
  const a = await clientOf(member?.clientPort ?? 0);
  await prove(a, 'digest', 'bob:x');
  await done(a, create('/a'));
  await errOf(a, create('/a'));
  await done(a, create('/a/s', null, 3));
  await done(a, setData('/a', 'y'));
  await done(a, setAcl('/a', [...openAcl]));
  const parts = [{ ...create('/m'), op: 'create' as const }, remove('/m')];
  await done(a, { op: 'multi', parts });
  await errOf(a, { op: 'multi', parts: [remove('/none')] });
  await done(a, { op: 'closeSession' });
  const lines = (): readonly string[] =>
    logOf(started).split('\n').flatMap((line) => /(?:\t|\s)?((?:session|user)=.*result=\w+)$/.exec(line)?.[1] ?? []); // prettier-ignore
  await eventually('the ephemeral goes', () => (lines().some((l) => l.includes('ephemeral')) && lines().some((l) => l.includes('OnSession')) ? true : null));
  const session = BigInt(`0x${a.session.session}`).toString(16);
  const of = (rest: string): string => `session=0x${session}\tuser=USERS\tip=127.0.0.1\toperation=${rest}`;
  const plain = lines().map((l) => l.replace(/user=(127\.0\.0\.1,bob|bob,127\.0\.0\.1)/, 'user=USERS').replace(/user=[^\t]*\toperation=(server|ephemeral)/, 'user=SYSTEM\toperation=$1')); // prettier-ignore
  t.deepEqual(plain, [
    'user=SYSTEM\toperation=serverStart\tresult=success',
    of('create\tznode=/a\tznode_type=persistent\tresult=success'),
    of('create\tznode=/a\tznode_type=persistent\tresult=failure'),
    of('create\tznode=/a/s0000000000\tznode_type=ephemeral_sequential\tresult=success'),
    of('setData\tznode=/a\tresult=success'),
    of('setAcl\tznode=/a\tacl=world:anyone:cdrwa\tresult=success'),
    of('create\tznode=/m\tznode_type=persistent\tresult=success'),
    of('delete\tznode=/m\tresult=success'),
    of('multiOperation\tresult=failure'),
    `session=0x${session}\tuser=SYSTEM\toperation=ephemeralZNodeDeletionOnSessionCloseOrExpire\tznode=/a/s0000000000\tresult=success`,
  ], kind); // prettier-ignore
}, { alone: true }); // prettier-ignore

/** Servers of Apache's that tests start say little else. */
const auditLevel = 'org.slf4j.simpleLogger.log.org.apache.zookeeper.audit=info';

/** What the first of them has said. */
const logOf = ({ members }: Servers): string =>
  readFileSync(join(dirname(members[0]?.config ?? ''), 'server.log'), 'utf8');

row('D21', 'eager check: a follower refuses what its lists forbid; nothing is proposed', async ({ t, servers, clientOf }) => {
  const { members, leader } = await servers({ size: 3, settings: ['enableEagerACLCheck=true'] });
  const leading = await leader();
  const a = await clientOf(members.find((m) => m.id !== leading)?.clientPort ?? 0);
  await done(a, withAcl('/shut', acl('digest', 'nobody:x', 31), acl('world', 'anyone', 1)));
  const before = (await done(a, create('/x'))).zxid;
  for (const request of [setData('/shut', 'y'), create('/shut/a'), remove('/shut/a'), setAcl('/shut', [...openAcl])]) t.is(await errOf(a, request), errorCode.noAuth);
  const after = (await done(a, create('/y'))).zxid;
  t.is((after?.counter ?? 0) - (before?.counter ?? 0), 1, 'no transaction between');
}, { alone: true }); // prettier-ignore
