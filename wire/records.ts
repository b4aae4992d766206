/** Jute records that several formats share. */
import type { Identity, Stat } from '../core/service/request.js';
import type { Acl } from '../core/service/txn.js';
import {
  readCount,
  readInt,
  readLong,
  readSession,
  readString,
  readZxid,
  writeInt,
  writeLong,
  writeSession,
  writeString,
  writeZxid,
} from './jute.js';
import type { Reader, Writer } from './jute.js';

/** world:anyone with all permissions: nearly every node has it, so all of them share this one list. */
export const openAcl: readonly Acl[] = [{ perms: 31, scheme: 'world', id: 'anyone' }];
const openAclBytes = Buffer.from('000000010000001f00000005776f726c6400000006616e796f6e65', 'hex');

/** A string of an Id; null is taken as empty, which no scheme accepts, so that the answer is INVALIDACL as for null. */
const readIdText = (r: Reader, field: string): string => readString(r, field) ?? '';

/** `vector<ACL>`: int perms, ustring scheme, ustring id each; null when the vector is null. */
export const readAcls = (r: Reader): readonly Acl[] | null => {
  const open = r.at + openAclBytes.length;
  if (open <= r.end && r.bytes.compare(openAclBytes, 0, openAclBytes.length, r.at, open) === 0) {
    r.at = open;
    return openAcl;
  }
  const count = readCount(r, 'acl', 12);
  if (count < 0) return null;
  const acl: Acl[] = [];
  for (let i = 0; i < count && r.error === null; i += 1) {
    const perms = readInt(r);
    const scheme = readIdText(r, 'scheme');
    acl.push({ perms, scheme, id: readIdText(r, 'id') });
  }
  return acl;
};

export const writeAcls = (w: Writer, acl: readonly Acl[] | null): void => {
  if (acl === null) return writeInt(w, -1);
  writeInt(w, acl.length);
  for (const entry of acl) {
    writeInt(w, entry.perms);
    writeString(w, entry.scheme);
    writeString(w, entry.id);
  }
};

/** `vector<Id>`, null read as empty. */
export const readIdentities = (r: Reader): readonly Identity[] => {
  const count = readCount(r, 'authinfo', 8);
  const identities: Identity[] = [];
  for (let i = 0; i < count && r.error === null; i += 1) {
    const scheme = readIdText(r, 'scheme');
    identities.push({ scheme, id: readIdText(r, 'id') });
  }
  return identities;
};

/** `vector<Id>`, and `vector<ClientInfo>`, which has the same fields under other names. */
export const writeIdentities = (w: Writer, identities: readonly Identity[]): void => {
  writeInt(w, identities.length);
  for (const { scheme, id } of identities) {
    writeString(w, scheme);
    writeString(w, id);
  }
};

/** Stat as clients see it, 68 bytes. */
export const readStat = (r: Reader): Stat => {
  const czxid = readZxid(r);
  const mzxid = readZxid(r);
  const ctimeMs = readLong(r, 'ctime');
  const mtimeMs = readLong(r, 'mtime');
  const version = readInt(r);
  const cversion = readInt(r);
  const aversion = readInt(r);
  const ephemeralOwner = readSession(r);
  const dataLength = readInt(r);
  const numChildren = readInt(r);
  const pzxid = readZxid(r);
  return {
    czxid,
    mzxid,
    ctimeMs,
    mtimeMs,
    version,
    cversion,
    aversion,
    ephemeralOwner,
    dataLength,
    numChildren,
    pzxid,
  };
};

export const writeStat = (w: Writer, stat: Stat): void => {
  writeZxid(w, stat.czxid);
  writeZxid(w, stat.mzxid);
  writeLong(w, stat.ctimeMs);
  writeLong(w, stat.mtimeMs);
  writeInt(w, stat.version);
  writeInt(w, stat.cversion);
  writeInt(w, stat.aversion);
  writeSession(w, stat.ephemeralOwner);
  writeInt(w, stat.dataLength);
  writeInt(w, stat.numChildren);
  writeZxid(w, stat.pzxid);
};
