/** Group B of the table of features: sessions that one server alone knows, and servers without a quorum. */
import { errorCode } from '../../core/service/error.js';
import type { ClientRequest } from '../../core/service/request.js';
import {
  askWord,
  create,
  done,
  errOf,
  eventsOf,
  eventually,
  exists,
  flags,
  getData,
  row,
  setData,
  sleep,
  statOf,
  sync,
  textOf,
} from './frame.js';
import type { Client, Servers } from './frame.js';

const local = ['localSessionsEnabled=true', 'maxSessionTimeout=60000'];
const upgrading = [...local, 'localSessionsUpgradingEnabled=true'];

row(
  'B11',
  'a local session makes no transaction, and another server does not know it',
  async (r) => {
    const { t, path, servers, clientOf } = r;
    const three = await servers({ size: 3, settings: local });
    const c = await clientOf(three.portOf(1));
    const { session, password } = c.session;
    const { zxid: before } = await done(c, sync('/'));
    for (const id of [1, 2, 3]) (await clientOf(three.portOf(id))).cut();
    t.deepEqual((await done(c, sync('/'))).zxid, before);
    t.is(await errOf(c, create(path, 'a')), errorCode.ok);
    t.is(await errOf(c, setData(path, 'b')), errorCode.ok);
    t.is(await errOf(c, create(`${path}/e`, null, flags.ephemeral)), errorCode.ephemeralOnLocalSession);
    const { acl } = create(path);
    const part = { op: 'create', path: `${path}/e`, data: null, acl, flags: flags.ephemeral } as const;
    const { body } = await done(c, { op: 'multi', parts: [part] });
    const [only] = body.type === 'multi' ? body.results : [];
    // A follower of Apache's, 3.9.4, calls it SESSIONEXPIRED there.
    const refusals: readonly number[] = [errorCode.ephemeralOnLocalSession, errorCode.sessionExpired];
    t.true(only?.op === 'error' && refusals.includes(only.err));
    c.cut();
    const refused = { message: /the session is not valid/ };
    await t.throwsAsync(clientOf(three.portOf(2), { session, password }), refused);
    const again = await clientOf(three.portOf(1), { session, password });
    t.is(again.session.session, session);
    t.is(textOf(await done(again, getData(path))), 'b');
    t.is(await errOf(again, { op: 'closeSession' }), errorCode.ok);
    await again.ended;
    await t.throwsAsync(clientOf(three.portOf(1), { session, password }), refused);
  },
  { alone: true },
);

row(
  'B11',
  'a local session that makes an ephemeral node becomes global before',
  async (r) => {
    const { t, path, servers, clientOf } = r;
    const three = await servers({ size: 3, settings: upgrading });
    for (const id of [1, 2, 3]) {
      const at = `${path}-${id}`;
      const c = await clientOf(three.portOf(id));
      const { session, password } = c.session;
      const made = await done(c, create(at, null, flags.ephemeral));
      t.is(statOf(made).ephemeralOwner, session);
      t.is(await errOf(c, setData(at, 'x')), errorCode.ok);
      c.cut();
      const moved = await clientOf(three.portOf((id % 3) + 1), { session, password });
      await done(moved, sync(at));
      t.is(await errOf(moved, exists(at)), errorCode.ok);
      await done(moved, { op: 'closeSession' });
      const other = await clientOf(three.portOf(id));
      await eventually(`${at} goes`, async () => ((await errOf(other, exists(at))) === errorCode.noNode ? true : null));
    }
  },
  { alone: true },
);

row(
  'B11',
  'a silent local session expires, a talking one does not',
  async ({ t, servers, clientOf }) => {
    const three = await servers({ size: 3, tickTime: 300, settings: local });
    for (const id of [1, 2, 3]) {
      const silent = await clientOf(three.portOf(id), { timeoutMs: 700 });
      const talking = await clientOf(three.portOf(id), { timeoutMs: 700 });
      const { session, password } = silent.session;
      const end = performance.now() + 2500;
      while (performance.now() < end) {
        await done(talking, { op: 'ping' });
        await sleep(150);
      }
      t.true(talking.isOpen());
      t.false(silent.isOpen());
      await t.throwsAsync(clientOf(three.portOf(id), { session, password }), { message: /not valid/ });
    }
  },
  { alone: true, slow: true },
);

const readOnlyMode = ['readonlymode.enabled=true', 'maxSessionTimeout=60000'];
const multi: ClientRequest = { op: 'multi', parts: [] };

/** Three servers, of which one is left; resolves when it serves those who only want to read. */
const withoutQuorum = async (three: Servers): Promise<number> => {
  await three.kill(1, 2);
  const port = three.portOf(3);
  await eventually('it serves readers', async () => ((await askWord(port, 'isro')) === 'ro' ? true : null));
  return port;
};

row(
  'B18',
  'a server without a quorum serves those who only want to read',
  async ({ t, path, servers, clientOf }) => {
    const three = await servers({ size: 3, settings: readOnlyMode });
    const writer = await clientOf(three.portOf(3));
    const { session, password } = writer.session;
    await done(writer, create(path, 'kept'));
    await three.level();
    t.is(await askWord(three.portOf(3), 'isro'), 'rw');
    const port = await withoutQuorum(three);
    await writer.ended;
    t.regex((await askWord(port, 'srvr')) ?? '', /^Mode: read-only$/m);
    await t.throwsAsync(clientOf(port), { message: /ended|ECONNRESET/ });
    await t.throwsAsync(clientOf(port, { session, password, readOnly: true }), { message: /ended|ECONNRESET/ });
    const reader: Client = await clientOf(port, { readOnly: true });
    t.true(reader.session.readOnly);
    t.is(textOf(await done(reader, getData(path, true))), 'kept');
    const writes = [
      setData(path, 'no'),
      create(`${path}/no`),
      sync(path),
      multi,
      { op: 'delete', path, version: -1 } as const,
    ];
    for (const request of writes) t.is(await errOf(reader, request), errorCode.notReadOnly, request.op);
    t.is(await errOf(reader, { op: 'ping' }), errorCode.ok);
    t.is(await errOf(reader, { op: 'auth', scheme: 'digest', auth: Buffer.from('u:p') }), errorCode.ok);
    reader.cut();
    const made = reader.session;
    const again = await clientOf(port, { session: made.session, password: made.password, readOnly: true });
    t.is(again.session.session, made.session);
    three.start(1, 2);
    await again.ended;
    await three.waitServing();
    await eventually('it takes writes', async () => ((await askWord(port, 'isro')) === 'rw' ? true : null));
    await t.throwsAsync(clientOf(port, { session: made.session, password: made.password, readOnly: true }), {
      message: /not valid/,
    });
    const after = await clientOf(port, { readOnly: true });
    t.false(after.session.readOnly);
    t.is(await errOf(after, setData(path, 'yes')), errorCode.ok);
    t.deepEqual(eventsOf(after), []);
  },
  { alone: true },
);
