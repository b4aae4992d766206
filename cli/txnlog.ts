/** `zabkeeper txnlog`: transaction logs read, repaired and cut, as Apache's TxnLogToolkit does; the file itself stays. */
import { writeFileSync } from 'node:fs';
import * as E from 'fp-ts/lib/Either.js';
import { compareZxid, formatZxid } from '../core/data/zxid.js';
import type { TxnRecord, Txn } from '../core/service/txn.js';
import { adler32 } from '../wire/adler32.js';
import { explain } from '../wire/error.js';
import { logHeaderBytes, scanLog } from '../wire/log.js';
import type { LogEnd } from '../wire/log.js';
import { fail, ok } from './failure.js';
import type { Outcome } from './failure.js';
import { parseZxid, printJson, printLines, readBytes, shortHex, shownData, unreadable } from './files.js';

export type TxnlogOptions = { readonly json: boolean };

/** Every transaction, a line each; a log that is damaged ends with exit 1 and says where. */
export const dumpLog = (path: string, { json }: TxnlogOptions): Outcome => {
  const bytes = readBytes(path);
  if (E.isLeft(bytes)) return bytes;
  const scan = scanLog(bytes.right);
  if (E.isLeft(scan)) return fail(unreadable(path, explain(scan.left)));
  const { entries, end } = scan.right;
  if (json) for (const { txn, offset } of entries) printJson({ offset, ...jsonOf(txn) });
  else printLines(entries.map(({ txn }) => lineOf(txn)));
  const broken = brokenEnd(end);
  if (broken !== null)
    return fail({
      code: 'LogDamaged',
      exit: 1,
      message: `${path}: ${broken}`,
      hint: `${entries.length} transactions before it are whole; zabkeeper txnlog repair tries to mend checksums`,
      details: { at: end.at, entries: entries.length },
    });
  if (!json) process.stderr.write(`${entries.length} transactions, up to byte ${end.at}\n`);
  return ok;
};

const brokenEnd = (end: LogEnd): string | null => {
  switch (end.type) {
    case 'clean':
    case 'padding':
      return null;
    case 'torn':
      return `ends at byte ${end.at} in an entry that was not finished: ${explain(end.why)}`;
    case 'damaged':
      return `is damaged at byte ${end.at} (${explain(end.why)}); valid entries go on at byte ${end.validAt}`;
    case 'undecodable':
      return `holds a transaction at byte ${end.at} that is not known here: ${explain(end.why)}`;
  }
};

const jsonOf = (txn: Txn): Readonly<Record<string, unknown>> => ({
  time: new Date(txn.timeMs).toISOString(),
  session: shortHex(txn.session),
  cxid: txn.cxid,
  zxid: formatZxid(txn.zxid),
  ...detailsOf(txn.record),
});

const detailsOf = (record: TxnRecord): Readonly<Record<string, unknown>> => {
  if (record.type === 'multi') return { type: record.type, parts: record.parts.map(detailsOf) };
  if (!('data' in record)) return record;
  return { ...record, data: shownData(record.data) };
};

/** In the words of Apache's toolkit, time as ISO and bytes that are no text in base64. */
const lineOf = (txn: Txn): string =>
  `${new Date(txn.timeMs).toISOString()} session ${shortHex(txn.session)} cxid 0x${txn.cxid.toString(16)} ` +
  `zxid ${formatZxid(txn.zxid)} ${textOf(txn.record)}`;

const aclText = (acl: readonly { readonly perms: number; readonly scheme: string; readonly id: string }[]): string =>
  acl.map((a) => `${a.scheme}:${a.id}:${a.perms}`).join(',');

const textOf = (r: TxnRecord): string => {
  const data = (bytes: Uint8Array | null): string => (bytes === null ? 'null' : JSON.stringify(shownData(bytes)));
  switch (r.type) {
    case 'create':
    case 'create2':
      return `${r.type} ${r.path} ${data(r.data)} acl ${aclText(r.acl)} ephemeral ${r.ephemeral} parentCVersion ${r.parentCVersion}`;
    case 'createContainer':
      return `${r.type} ${r.path} ${data(r.data)} acl ${aclText(r.acl)} parentCVersion ${r.parentCVersion}`;
    case 'createTTL':
      return `${r.type} ${r.path} ${data(r.data)} acl ${aclText(r.acl)} parentCVersion ${r.parentCVersion} ttl ${r.ttl}`;
    case 'delete':
    case 'deleteContainer':
      return `${r.type} ${r.path}`;
    case 'setData':
    case 'reconfig':
      return `${r.type} ${r.path} ${data(r.data)} version ${r.version}`;
    case 'setACL':
      return `${r.type} ${r.path} acl ${aclText(r.acl)} version ${r.version}`;
    case 'check':
      return `check ${r.path} version ${r.version}`;
    case 'error':
      return `error ${r.err}`;
    case 'createSession':
      return `createSession ${r.timeoutMs}`;
    case 'closeSession':
      return `closeSession ${r.paths === null ? '' : JSON.stringify(r.paths)}`.trimEnd();
    case 'multi':
      return `multi [${r.parts.map(textOf).join('; ')}]`;
  }
};

const endOfEntry = 0x42;
const frontBytes = 12;

/** Checksums that do not fit their entry are written anew, into FILE.fixed (`-r` of Apache's toolkit). */
export const repairLog = (path: string, { json }: TxnlogOptions): Outcome => {
  const bytes = readBytes(path);
  if (E.isLeft(bytes)) return bytes;
  const fixed = Buffer.from(bytes.right);
  const mended: number[] = [];
  let entries = 0;
  let at = logHeaderBytes;
  for (;;) {
    const length = fixed.length < at + frontBytes ? 0 : fixed.readInt32BE(at + 8);
    const end = at + frontBytes + length;
    if (length <= 0 || end >= fixed.length || fixed[end] !== endOfEntry) break;
    const sum = adler32(fixed, at + frontBytes, end);
    if (fixed.readBigInt64BE(at) !== BigInt(sum)) {
      fixed.writeBigInt64BE(BigInt(sum), at);
      mended.push(at);
    }
    entries += 1;
    at = end + 1;
  }
  const scan = scanLog(fixed);
  if (E.isLeft(scan)) return fail(unreadable(path, explain(scan.left)));
  const target = `${path}.fixed`;
  if (mended.length > 0) writeFileSync(target, fixed);
  if (json) printJson({ entries, mended, file: mended.length > 0 ? target : null });
  else if (mended.length === 0) printLines([`${entries} entries, every checksum fits: nothing to mend`]);
  else printLines([`${entries} entries, ${mended.length} checksums mended at bytes ${mended.join(', ')}: ${target}`]);
  const broken = brokenEnd(scan.right.end);
  return broken === null ? ok : fail({ code: 'LogDamaged', exit: 1, message: `${path}: ${broken}`, hint: '' });
};

/** The log up to a transaction, that one included, into FILE.chopped (`-c` of Apache's toolkit). */
export const chopLog = (path: string, zxidText: string, { json }: TxnlogOptions): Outcome => {
  const zxid = parseZxid(zxidText);
  if (zxid === null)
    return fail({
      code: 'Usage',
      exit: 2,
      message: `--zxid must be hexadecimal, found ${JSON.stringify(zxidText)}`,
      hint: '',
    });
  const bytes = readBytes(path);
  if (E.isLeft(bytes)) return bytes;
  const scan = scanLog(bytes.right);
  if (E.isLeft(scan)) return fail(unreadable(path, explain(scan.left)));
  const last = scan.right.entries.findLast((entry) => compareZxid(entry.zxid, zxid) <= 0);
  if (last === undefined || compareZxid(last.zxid, zxid) !== 0)
    return fail({ code: 'NoSuchTxn', exit: 1, message: `${path} has no transaction ${formatZxid(zxid)}`, hint: '' });
  const target = `${path}.chopped`;
  writeFileSync(target, bytes.right.subarray(0, last.end));
  const gone = scan.right.entries.filter((entry) => entry.offset >= last.end).length;
  if (json) printJson({ file: target, last: formatZxid(last.zxid), left_out: gone });
  else printLines([`${target} ends with ${formatZxid(last.zxid)}; ${gone} transactions are left out`]);
  return ok;
};
