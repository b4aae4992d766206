/** Names of the files in version-2: `log.<zxid>`, `snapshot.<zxid>[.gz|.snappy]`; the zxid hexadecimal, not padded. */
import type { Zxid } from '../../core/data/zxid.js';

/** The directory inside dataDir and dataLogDir; its name is the version of the formats. */
export const versionDir = 'version-2';

export type Compression = 'none' | 'gz' | 'snappy';

const hexOf = (z: Zxid): string =>
  z.epoch === 0 ? z.counter.toString(16) : `${z.epoch.toString(16)}${z.counter.toString(16).padStart(8, '0')}`;

export const logName = (first: Zxid): string => `log.${hexOf(first)}`;

export const snapshotName = (zxid: Zxid, compression: Compression = 'none'): string =>
  `snapshot.${hexOf(zxid)}${compression === 'none' ? '' : `.${compression}`}`;

/** A complete snapshot that is about to take the place of everything else: see replace.ts. */
export const replacingName = (zxid: Zxid): string => `${snapshotName(zxid)}.replacing`;

const zxidOf = (hex: string): Zxid => ({
  epoch: hex.length > 8 ? parseInt(hex.slice(0, -8), 16) : 0,
  counter: parseInt(hex.slice(-8), 16),
});

/** The zxid in the name of a log; null for any other file. */
export const logZxid = (name: string): Zxid | null => {
  const hex = /^log\.([0-9a-fA-F]{1,16})$/.exec(name)?.[1];
  return hex === undefined ? null : zxidOf(hex);
};

/** The zxid in the name of a snapshot, and how it is compressed; null for any other file, unfinished ones too. */
export const snapshotZxid = (name: string): { readonly zxid: Zxid; readonly compression: Compression } | null => {
  const [, hex, extension] = /^snapshot\.([0-9a-fA-F]{1,16})(?:\.(gz|snappy))?$/.exec(name) ?? [];
  if (hex === undefined) return null;
  return { zxid: zxidOf(hex), compression: extension === 'gz' || extension === 'snappy' ? extension : 'none' };
};

/** The zxid of a snapshot that is about to replace everything else. */
export const replacingZxid = (name: string): Zxid | null => {
  const hex = /^snapshot\.([0-9a-fA-F]{1,16})\.replacing$/.exec(name)?.[1];
  return hex === undefined ? null : zxidOf(hex);
};

/** A snapshot that was being written when the server stopped. */
export const isUnfinishedSnapshot = (name: string): boolean => /^snapshot\..*\.tmp$/.test(name);
