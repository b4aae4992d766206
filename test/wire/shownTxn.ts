/** Transactions in the notation of the disk and quorum recordings. */
import type { Txn, TxnRecord } from '../../core/service/txn.js';
import { txnTypes } from '../../wire/txn.js';
import { bytesOf, flatAcls, hexBytes, hexSession, hexZxid } from './vectors.js';
import type { Json } from './vectors.js';

/** The body of a record as the vectors have it. */
const shownRecord = (record: TxnRecord): Json => {
  switch (record.type) {
    case 'create':
    case 'create2':
      return {
        path: record.path,
        data: hexBytes(record.data),
        acl: flatAcls(record.acl),
        ephemeral: record.ephemeral,
        parentCVersion: record.parentCVersion,
      };
    case 'createContainer':
    case 'createTTL':
      return {
        path: record.path,
        data: hexBytes(record.data),
        acl: flatAcls(record.acl),
        parentCVersion: record.parentCVersion,
        ...(record.type === 'createTTL' ? { ttl: String(record.ttl) } : {}),
      };
    case 'delete':
    case 'deleteContainer':
      return { path: record.path };
    case 'setData':
    case 'reconfig':
      return { path: record.path, data: hexBytes(record.data), version: record.version };
    case 'setACL':
      return { path: record.path, acl: flatAcls(record.acl), version: record.version };
    case 'check':
      return { path: record.path, version: record.version };
    case 'error':
      return { err: record.err };
    case 'createSession':
      return { timeOut: record.timeoutMs };
    case 'closeSession':
      return record.paths === null ? null : { paths2Delete: record.paths };
    case 'multi':
      return {
        txns: record.parts.map((p) => ({ type: txnTypes[p.type], name: p.type, txn: shownRecord(p) })),
      };
  }
};

export const shownTxn = (txn: Txn): { readonly [key: string]: Json } => ({
  header: {
    clientId: hexSession(txn.session),
    cxid: txn.cxid,
    zxid: hexZxid(txn.zxid),
    time: String(txn.timeMs),
    type: txnTypes[txn.record.type],
    typeName: txn.record.type,
  },
  txn: shownRecord(txn.record),
  ...(txn.digest === null ? {} : { digest: { version: txn.digest.version, treeDigest: hexSession(txn.digest.tree) } }),
});

/** Data as bytes on both sides; what only a reader of files notes is left out. */
export const comparable = (entry: { readonly [key: string]: Json }): Json => {
  const { header, txn, digest } = entry as { header: Json; txn: Json; digest?: Json };
  return JSON.parse(JSON.stringify({ header, txn, digest }), (key, value: Json) =>
    key === 'data' ? bytesOf(value) : value,
  ) as Json;
};
