/** Group A of the table of features, second half: requests of several parts, paths, sizes, order. */
import { errorCode } from '../../core/service/error.js';
import type { MultiPart, MultiResult, Reply } from '../../core/service/request.js';
import { encodeRequest } from '../../wire/client.js';
import {
  childrenOf,
  create,
  done,
  errOf,
  exists,
  getChildren,
  getData,
  remove,
  row,
  setData,
  sync,
  textOf,
} from './frame.js';

const resultsOf = ({ body }: Reply): readonly MultiResult[] => (body.type === 'multi' ? body.results : []);
const errorsOf = (reply: Reply): readonly number[] => resultsOf(reply).map((r) => (r.op === 'error' ? r.err : 0));
const multi = (...parts: readonly MultiPart[]) => ({ op: 'multi', parts }) as const;
const check = (path: string, version: number) => ({ op: 'check', path, version }) as const;
const part = (path: string, data = ''): MultiPart => ({ ...create(path, data), op: 'create' });

row('A17', 'a multi is done whole under one zxid, or not at all', async ({ t, path, client }) => {
  const c = await client();
  const reply = await done(
    c,
    multi(part(path), part(`${path}/a`, 'x'), setData(`${path}/a`, 'y'), remove(`${path}/a`)),
  );
  t.deepEqual(
    resultsOf(reply).map((r) => r.op),
    ['create', 'create', 'setData', 'delete'],
  );
  const both = await done(c, multi(part(`${path}/b`), part(`${path}/c`)));
  for (const name of ['b', 'c']) {
    const { body } = await done(c, exists(`${path}/${name}`));
    t.deepEqual(body.type === 'stat' ? body.stat.czxid : null, both.zxid);
  }
  const failed = await done(c, multi(part(`${path}/d`), remove(`${path}/none`), part(`${path}/e`)));
  t.deepEqual(errorsOf(failed), [0, errorCode.noNode, errorCode.runtimeInconsistency]);
  t.deepEqual(childrenOf(await done(c, getChildren(path))), ['b', 'c']);
  t.deepEqual(resultsOf(await done(c, multi())), []);
});

row('A18', 'a check of a wrong version aborts the multi', async ({ t, path, client }) => {
  const c = await client();
  await done(c, create(path));
  t.deepEqual(errorsOf(await done(c, multi(check(path, 0), setData(path, 'a')))), [0, 0]);
  const failed = await done(c, multi(check(path, 0), setData(path, 'b')));
  t.deepEqual(errorsOf(failed), [errorCode.badVersion, errorCode.runtimeInconsistency]);
  t.is(textOf(await done(c, getData(path))), 'a');
});

row('A19', 'multiRead answers each part by itself', async ({ t, path, client }) => {
  const c = await client();
  await done(c, create(path, 'x'));
  await done(c, create(`${path}/child`));
  const parts = [getData(path), getData(`${path}/none`), getChildren(path)];
  const [data, none, children] = resultsOf(await done(c, { op: 'multiRead', parts }));
  t.is(data?.op === 'getData' ? Buffer.from(data.data ?? []).toString() : null, 'x');
  t.deepEqual(none, { op: 'error', err: errorCode.noNode });
  t.deepEqual(children, { op: 'getChildren', children: ['child'] });
});

row('A20', 'behind a sync a read sees what another client wrote before', async ({ t, path, client }) => {
  const [writer, reader] = [await client(0), await client(1)];
  await done(writer, create(path, '0'));
  for (let i = 1; i <= 30; i++) {
    await done(writer, setData(path, String(i)));
    t.deepEqual((await done(reader, sync(path))).body, { type: 'path', path });
    t.is(textOf(await done(reader, getData(path))), String(i));
  }
});

row('A20', "behind a sync a read does not see the same client's next write", async ({ t, path, client }) => {
  for (const nth of [0, 1, 2]) {
    const [c, at] = [await client(nth), `${path}-${nth}`];
    await done(c, create(at, 'none'));
    for (let i = 0; i < 40; i++) {
      const requests = [setData(at, `a${i}`), sync(at), getData(at), setData(at, `b${i}`)];
      const replies = await Promise.all(requests.map((request) => c.call(request)));
      const read = replies[2];
      t.is(read === undefined ? null : textOf(read), `a${i}`);
    }
  }
});

row('A21', 'bad paths are refused on write, and read as nothing', async ({ t, path, client }) => {
  const c = await client();
  await done(c, create(path));
  const bad = ['', 'relative', `${path}/`, `${path}/.`, `${path}/..`, `${path}/a\u0000`, `${path}/\u0001`];
  for (const each of [...bad, `${path}/\ud83d\ude00`, `${path}/\ufff0`])
    t.is(await errOf(c, create(each)), errorCode.badArguments, JSON.stringify(each));
  t.is(await errOf(c, create(`${path}//b`)), errorCode.noNode);
  for (const each of [`${path}/..a`, `${path}/a b`, `${path}/\u00a0`, `${path}/\uffef`])
    t.is(await errOf(c, create(each)), errorCode.ok, JSON.stringify(each));
  t.is(await errOf(c, getData(`${path}/`)), errorCode.noNode);
  t.is(await errOf(c, exists('no-slash')), errorCode.noNode);
  t.is(await errOf(c, remove('/')), errorCode.badArguments);
  t.is(await errOf(c, create('/')), errorCode.nodeExists);
});

row('A22', 'a request as large as jute.maxbuffer is taken, a larger one ends the connection', async (r) => {
  const { t, path, client } = r;
  const c = await client();
  const limit = 0xfffff;
  const frame = (bytes: number): Buffer =>
    encodeRequest({ xid: 1, request: { ...create(path), data: Buffer.alloc(bytes) } });
  const room = limit - (frame(0).length - 4);
  t.is((await c.ask(frame(room), 'create2')).err, errorCode.ok);
  c.send(frame(room + 1));
  t.regex(await c.ended, /ended|ECONNRESET/);
});

row('A23', 'the reserved nodes are there and cannot be deleted', async ({ t, client }) => {
  const c = await client();
  for (const each of ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']) {
    t.is(await errOf(c, exists(each)), errorCode.ok, each);
    t.is(await errOf(c, remove(each)), errorCode.badArguments, each);
  }
});

row('A24', 'forty requests sent at once are answered in their order', async ({ t, path, client }) => {
  const c = await client(1);
  await done(c, create(path, '0'));
  const requests = Array.from({ length: 40 }, (_, i) =>
    [setData(path, String(i)), getData(path), exists(`${path}/none`), sync(path), create(`${path}/${i}`)].at(i % 5),
  ).filter((x) => x !== undefined);
  const before = c.arrived.length;
  const replies = await Promise.all(requests.map((request) => c.call(request)));
  t.deepEqual(
    c.arrived.slice(before).map((a) => ('reply' in a ? a.reply.xid : null)),
    replies.map((reply) => reply.xid),
  );
  for (const [i, request] of requests.entries())
    if (request.op === 'getData') t.is(textOf(replies[i] ?? replies[0]!), String(i - 1));
});
