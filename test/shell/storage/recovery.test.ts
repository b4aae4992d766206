import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import { recover } from '../../../core/recovery.js';
import type { DiskFiles, LogFileEnd } from '../../../core/recovery.js';
import { entries, snapshotOf, txnOf, z } from './histories.js';
import type { Entry } from './histories.js';
import { aLog, aSnapshot, dir, diskWith, logBytes, open, recovered, snapshotBytes } from './onDisk.js';

const six = entries(1, 1, 6);
const first = aSnapshot(z(0, 0), []);

test('Restart: a log that ends anywhere gives the entries that are whole, and is cut behind them', (t) => {
  const { bytes, starts } = logBytes(six);
  for (let length = 0; length <= bytes.length; length += 1) {
    const disk = diskWith(first, ['log.100000001', bytes.subarray(0, length)]);
    const whole = Math.max(0, starts.filter((at) => at <= length).length - 1);
    const kept = starts[whole] ?? 0;
    // What is all zeros is padding: the first bytes of a checksum are.
    const isTorn = length < 16 ? true : bytes.subarray(kept, length).some((b) => b !== 0);
    const got = recovered(disk);
    t.deepEqual('ids' in got && got.ids, six.slice(0, whole).map((e) => e.id)); // prettier-ignore
    t.is('warnings' in got && got.warnings.length > 0, isTorn, `${length}`);
    if (isTorn) t.regex('warnings' in got ? got.warnings.join() : '', new RegExp(`log.100000001 ends in an unfinished write at offset ${length < 16 ? 0 : kept} `)); // prettier-ignore
    t.is(disk.size(`${dir}/log.100000001`), isTorn ? (whole === 0 ? null : kept) : length);
    const again = recovered(disk);
    t.deepEqual(again, { ids: six.slice(0, whole).map((e) => e.id), warnings: [] }); // prettier-ignore
  }
});

test('Restart: an entry with any byte damaged and a valid one behind it is refused, naming file and offset', (t) => {
  const { bytes, starts } = logBytes(six);
  const last = starts[5] ?? 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ 0x11;
    const got = recovered(diskWith(first, ['log.100000001', damaged]));
    if (at < 4) t.regex('refused' in got ? got.refused : '', /log\.100000001 cannot be read as a log/);
    else if (at < 16)
      t.deepEqual(got, { ids: six.map((e) => e.id), warnings: [] }); // prettier-ignore
    else if (at >= last) {
      t.deepEqual('ids' in got && got.ids, [1, 2, 3, 4, 5]);
      t.regex('warnings' in got ? got.warnings.join() : '', new RegExp(`unfinished write at offset ${last} `));
    } else {
      const entry = Math.max(...starts.filter((start) => start <= at));
      t.regex(
        'refused' in got ? got.refused : '',
        new RegExp(`log.100000001 is damaged at offset ${entry} .*valid entry`),
      );
    }
  }
});

test('Restart: a new log whose header a crash has turned to zeros is an unfinished write', (t) => {
  for (const begun of ['', 'Z', 'ZKL', 'ZKLG']) {
    const disk = diskWith(first, ['log.1', Buffer.concat([Buffer.from(begun), Buffer.alloc(300)])]);
    t.deepEqual('ids' in recovered(disk) && (recovered(disk) as { ids: unknown }).ids, []);
  }
});

const refusal = (...files: readonly (readonly [string, Buffer | string])[]): string => {
  const got = recovered(diskWith(...files));
  return 'refused' in got ? got.refused : `recovered ${got.ids.join()}`;
};

test('Restart: a log joins its snapshot without a hole, or the server does not take part', (t) => {
  const held = entries(1, 1, 3);
  t.deepEqual(recovered(diskWith(aSnapshot(z(1, 3), held), aLog(entries(1, 4, 5)))), {
    ids: [1, 2, 3, 4, 5],
    warnings: [],
  });
  t.deepEqual(recovered(diskWith(aSnapshot(z(1, 3), held), aLog(entries(4, 1, 1, 9)))), {
    ids: [1, 2, 3, 9],
    warnings: [],
  });
  t.regex(refusal(aSnapshot(z(1, 3), held), aLog(entries(1, 5, 6))), /log\.100000005 goes on at offset 16 with 0x100000005, but what comes before ends at 0x100000003/); // prettier-ignore
  t.regex(refusal(aSnapshot(z(1, 3), held), aLog(entries(2, 2, 3))), /goes on at offset 16 with 0x200000002/);
  t.regex(refusal(first, aLog(entries(0, 1, 3)), aLog(entries(0, 5, 6))), /log\.5 goes on at offset 16 with 0x5/);
  const disordered = [...entries(1, 1, 3), ...entries(1, 2, 2, 77)];
  t.regex(refusal(first, aLog(disordered)), /has 0x100000002 at offset \d+, which is behind 0x100000003 already/);
});

test('Restart: an entry logged twice counts once', (t) => {
  const [one, two, three] = entries(1, 1, 3);
  const twice = [one, two, two, three, one].filter((e): e is Entry => e !== undefined);
  t.deepEqual(recovered(diskWith(first, aLog(twice))), { ids: [1, 2, 3], warnings: [] });
});

test('Restart: the newest snapshot that loads is used; one that held more than the rest gives is not done without', (t) => {
  const held = entries(1, 1, 3);
  const good = aSnapshot(z(1, 3), held);
  const broken: Buffer = snapshotBytes(entries(1, 1, 5));
  broken[40] = 0xff;
  const whole = recovered(diskWith(good, ['snapshot.100000005', broken], aLog(entries(1, 4, 6))));
  t.deepEqual('ids' in whole && whole.ids, [1, 2, 3, 4, 5, 6]);
  t.regex('warnings' in whole ? whole.warnings.join() : '', /snapshot\.100000005 cannot be loaded \(.*\); snapshot\.100000003 and the log/); // prettier-ignore
  t.regex(refusal(good, ['snapshot.100000005', broken], aLog(entries(1, 4, 4))), /snapshot\.100000005 cannot be loaded .* the other files end at 0x100000004/); // prettier-ignore
  t.regex(refusal(['snapshot.100000005', broken]), /no snapshot can be loaded: snapshot\.100000005 \(/);
  t.regex(refusal(['snapshot.5.gz', 'no gzip'], aLog(entries(0, 6, 6))), /snapshot\.5\.gz \(gzip: /);
  t.regex(refusal(['snapshot.5.snappy', 'no snappy']), /snapshot\.5\.snappy \(no snappy stream\)/);
});

test('Restart: a log or an epoch without a snapshot is refused; with nothing at all the first snapshot is written', (t) => {
  t.regex(refusal(aLog(six)), /there is no snapshot, but log\.100000001 shows a history/);
  t.regex(refusal(['currentEpoch', '3'], ['acceptedEpoch', '3']), /no snapshot, but acceptedEpoch shows a history/);
  const disk = diskWith();
  t.deepEqual(recovered(disk), { ids: [], warnings: [] });
  t.deepEqual(disk.list(dir), ['acceptedEpoch', 'currentEpoch', 'snapshot.0']);
  t.deepEqual(recovered(diskWith(['log.1', logBytes([]).bytes])), { ids: [], warnings: [] });
});

const epochsOf = (history: readonly Entry[], files: Readonly<Record<string, string>>) => {
  const disk = diskWith(first, ...(history.length === 0 ? [] : [aLog(history)]), ...Object.entries(files));
  const opened = open(disk);
  if (E.isLeft(opened)) return opened.left.message;
  const { acceptedEpoch, currentEpoch } = opened.right.recovered;
  const onDisk = ['acceptedEpoch', 'currentEpoch'].map((name) => disk.read(`${dir}/${name}`)?.toString());
  return [acceptedEpoch, currentEpoch, ...onDisk, opened.right.warnings.length];
};

test('Restart: epochs that are missing or behind the log are brought up to it; an impossible pair is refused', (t) => {
  const two = [...entries(1, 1, 2), ...entries(2, 1, 1, 9)];
  t.deepEqual(epochsOf([], {}), [0, 0, '0', '0', 0]);
  t.deepEqual(epochsOf(two, {}), [2, 2, '2', '2', 0]);
  t.deepEqual(epochsOf(two, { acceptedEpoch: '5', currentEpoch: '4' }), [5, 4, '5', '4', 0]);
  t.deepEqual(epochsOf(two, { acceptedEpoch: '2', currentEpoch: '1' }), [2, 2, '2', '2', 1]);
  t.deepEqual(epochsOf(two, { acceptedEpoch: '3', currentEpoch: '1', 'currentEpoch.tmp': '3' }), [3, 3, '3', '3', 1]);
  t.deepEqual(epochsOf(two, { acceptedEpoch: '3', currentEpoch: '1', 'currentEpoch.tmp': '' }), [3, 2, '3', '2', 1]);
  t.deepEqual(epochsOf(two, { acceptedEpoch: '3', currentEpoch: '2', 'currentEpoch.tmp': '3' }), [3, 2, '3', '2', 0]);
  t.regex(String(epochsOf(two, { acceptedEpoch: '1', currentEpoch: '1' })), /acceptedEpoch 1 is below currentEpoch 2/);
  t.regex(String(epochsOf(two, { acceptedEpoch: '1', currentEpoch: '2' })), /acceptedEpoch 1 is below currentEpoch 2/);
  t.regex(String(epochsOf(two, { acceptedEpoch: 'x1' })), /acceptedEpoch holds "x1", not an epoch/);
});

test('Restart: only the logs that the snapshot needs are read', (t) => {
  const loaded: string[] = [];
  const log = (file: string, from: number, to: number, end: LogFileEnd = { type: 'clean' }) => ({
    file,
    first: z(0, from),
    load: () => {
      loaded.push(file);
      return { entries: entries(0, from, to).map((e) => ({ txn: txnOf(e), offset: 16 })), end };
    },
  });
  const files: DiskFiles = {
    acceptedEpoch: 0,
    currentEpoch: 0,
    currentEpochTmp: null,
    snapshots: [{ file: 'snapshot.5', zxid: z(0, 5), load: () => ({ snapshot: snapshotOf(entries(0, 1, 5)) }) }],
    logs: [log('log.1', 1, 3), log('log.4', 4, 6, { type: 'padding' }), log('log.7', 7, 8)],
  };
  const recovery = recover(files);
  t.deepEqual(loaded, ['log.4', 'log.7']);
  t.deepEqual('ok' in recovery && recovery.ok.log.map((x) => x.zxid.counter), [6, 7, 8]);
  t.deepEqual('ok' in recovery && [recovery.ok.base, recovery.ok.lastZxid, recovery.ok.save], [z(0, 5), z(0, 8), []]);
  const foreign = log('log.9', 9, 9, { type: 'undecodable', at: 99, reason: 'unknown transaction type 77' });
  const refused = recover({ ...files, logs: [...files.logs, foreign] });
  t.deepEqual('refused' in refused && refused.refused, {
    type: 'LogUndecodable',
    file: 'log.9',
    offset: 99,
    reason: 'unknown transaction type 77',
  });
});
