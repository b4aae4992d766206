/** Group E of the table of features: quotas. */
import { errorCode } from '../../core/service/error.js';
import { askWord, create, done, errOf, eventually, getData, remove, row, setData, textOf } from './frame.js';
import type { Client } from './frame.js';

const quota = '/zookeeper/quota';
const limitsOf = (path: string): string => `${quota}${path}/zookeeper_limits`;
const statsOf = (path: string): string => `${quota}${path}/zookeeper_stats`;

/** What `setquota` of the command line does. */
const setQuota = async (client: Client, path: string, limits: string): Promise<void> => {
  await done(client, create(`${quota}${path}`));
  await done(client, create(limitsOf(path), limits));
  await done(client, create(statsOf(path), 'count=-1,bytes=-1'));
};
const use = async (client: Client, path: string): Promise<string | null> =>
  textOf(await done(client, getData(statsOf(path))));

const enforcing = ['enforceQuota=true'];

row('E1', 'a soft limit refuses nothing, and the stats node shows the use', async ({ t, path, client }) => {
  const c = await client();
  await done(c, create(path));
  await setQuota(c, path, 'count=2,bytes=3');
  for (const name of ['a', 'b', 'c']) await done(c, create(`${path}/${name}`, 'xx'));
  t.is(await use(c, path), 'count=4,bytes=6');
});

row(
  'E2',
  'a hard limit refuses creates and data above it',
  async ({ t, path, servers, clientOf }) => {
    const one = await servers({ size: 1, settings: enforcing });
    const c = await clientOf(one.portOf(1));
    await done(c, create(path));
    await setQuota(c, path, 'count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=3');
    await done(c, create(`${path}/a`, '12345'));
    await done(c, create(`${path}/b`, '12345'));
    t.is(await errOf(c, create(`${path}/c`)), errorCode.quotaExceeded);
    t.is(await errOf(c, setData(path, 'x')), errorCode.quotaExceeded);
    t.is(await errOf(c, setData(path, 'x', 99)), errorCode.quotaExceeded);
    t.is(await errOf(c, setData(`${path}/a`, '1')), errorCode.ok);
    t.is(await errOf(c, setData(path, '1234')), errorCode.ok);
    await done(c, remove(`${path}/b`));
    t.is(await errOf(c, create(`${path}/c`)), errorCode.ok);
  },
  { alone: true },
);

row('E2', 'without enforceQuota a hard limit refuses nothing', async ({ t, path, client }) => {
  const c = await client();
  await done(c, create(path));
  await setQuota(c, path, 'count=-1,bytes=-1=;byteHardLimit=1;countHardLimit=1');
  t.is(await errOf(c, create(`${path}/a`, 'long')), errorCode.ok);
  t.is(await use(c, path), 'count=2,bytes=4');
});

row(
  'E3',
  'use follows every create, set and delete, over restarts and snapshots',
  async (r) => {
    const { t, path, servers, clientOf } = r;
    const three = await servers({ size: 3, settings: ['snapCount=20'] });
    const c = await clientOf(three.portOf(1));
    await done(c, create(path, 'ab'));
    await done(c, create(`${path}/before`, 'cd'));
    await setQuota(c, path, 'count=100,bytes=1000');
    const shown: (string | null)[] = [await use(c, path)];
    const steps = [create(`${path}/a`, '123'), create(`${path}/a/deep`, '4'), setData(`${path}/a`, '1')];
    for (const step of [...steps, remove(`${path}/a/deep`), create(`${path}/e`, '12', 1)]) {
      await done(c, step);
      shown.push(await use(c, path));
    }
    await done(c, { op: 'closeSession' });
    const other = await clientOf(three.portOf(2));
    await done(other, { op: 'sync', path });
    shown.push(await use(other, path));
    const wanted = [
      [2, 4],
      [3, 7],
      [4, 8],
      [4, 6],
      [3, 5],
      [4, 7],
      [3, 5],
    ];
    t.deepEqual(
      shown,
      wanted.map(([count, bytes]) => `count=${count},bytes=${bytes}`),
    );
    for (let i = 0; i < 60; i++) await done(other, setData(`${path}/a`, 'x'.repeat(i)));
    const last = await use(other, path);
    t.is(last, 'count=3,bytes=63');
    await three.level();
    await three.kill();
    three.start();
    await three.waitServing();
    for (const { clientPort } of three.members) t.is(await use(await clientOf(clientPort), path), last);
    const after = await clientOf(three.portOf(3));
    await done(after, create(`${path}/more`, 'x'));
    t.is(await use(after, path), 'count=4,bytes=64');
    // Without limits nobody counts any more.
    await done(after, remove(limitsOf(path)));
    await done(after, create(`${path}/uncounted`, 'x'));
    t.is(await use(after, path), 'count=4,bytes=64');
  },
  { alone: true },
);

row('E4', 'what setquota, listquota and delquota write and read makes the round', async ({ t, path, client }) => {
  const c = await client();
  await done(c, create(path, 'abc'));
  await setQuota(c, path, 'count=5,bytes=-1');
  t.is(textOf(await done(c, getData(limitsOf(path)))), 'count=5,bytes=-1');
  t.is(await use(c, path), 'count=1,bytes=3');
  await done(c, setData(limitsOf(path), 'count=5,bytes=10'));
  t.is(textOf(await done(c, getData(limitsOf(path)))), 'count=5,bytes=10');
  await done(c, setData(limitsOf(path), 'count=-1,bytes=-1'));
  for (const node of [limitsOf(path), statsOf(path), quota + path]) await done(c, remove(node));
  t.is(await errOf(c, getData(limitsOf(path))), errorCode.noNode);
  await eventually('the next create is not counted', async () =>
    (await errOf(c, create(`${path}/a`))) === 0 ? true : null,
  );
});

row(
  'E5',
  'limits, use and refusals of each top-level node are in mntr',
  async ({ t, path, servers, clientOf }) => {
    const one = await servers({ size: 1, settings: enforcing });
    const c = await clientOf(one.portOf(1));
    await done(c, create(path, 'ab'));
    await setQuota(c, path, 'count=5,bytes=100=;byteHardLimit=100;countHardLimit=2');
    await done(c, create(`${path}/a`, 'cde'));
    t.is(await errOf(c, create(`${path}/b`)), errorCode.quotaExceeded);
    const found = (await askWord(one.portOf(1), 'mntr')) ?? '';
    const figure = (name: string): number =>
      Number(new RegExp(`^zk_${path.slice(1)}_${name}\\s+(\\d+)`, 'm').exec(found)?.[1] ?? NaN);
    t.deepEqual(
      ['quota_count_usage', 'quota_bytes_usage', 'quota_exceeded_error'].map((name) => figure(`${name}_per_namespace`)),
      [2, 5, 1],
    );
    t.is(figure('quota_count_limit_per_namespace'), 2);
  },
  { alone: true },
);
