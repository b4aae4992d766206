/**
 * JKS stores, as keytool wrote them before Java 9: certificates in the clear, keys under a stream of SHA-1, a seal over
 * all. The format is Sun's and has no document; sun.security.provider.JavaKeyStore reads and writes it.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import * as E from 'fp-ts/lib/Either.js';
import { derAt, readDer } from './der.js';
import type { StoreContent } from './pkcs12.js';

const magic = 0xfeedfeed;
const sealBytes = 20;

const wide = (password: string): Buffer => Buffer.from(password, 'utf16le').swap16();

export const isJks = (bytes: Buffer): boolean => bytes.length >= 4 && bytes.readUInt32BE(0) === magic;

/** @returns Left: why it cannot be read, in words that follow the name of the file; the seal is checked always */
export const readJks = (bytes: Buffer, password: string): E.Either<string, StoreContent> => {
  if (!isJks(bytes) || bytes.length < 12 + sealBytes) return E.left('is no JKS store');
  const body = bytes.subarray(0, bytes.length - sealBytes);
  const seal = createHash('sha1').update(wide(password)).update('Mighty Aphrodite').update(body).digest();
  if (!timingSafeEqual(seal, bytes.subarray(body.length)))
    return E.left('cannot be opened: the password is wrong, or the file is damaged');
  try {
    return readEntries(body, password);
  } catch (e) {
    if (e instanceof RangeError) return E.left('ends early');
    throw e;
  }
};

const readEntries = (body: Buffer, password: string): E.Either<string, StoreContent> => {
  const version = body.readUInt32BE(4);
  let at = 12;
  const take = (n: number): Buffer => {
    if (at + n > body.length) throw new RangeError();
    at += n;
    return body.subarray(at - n, at);
  };
  const text = (): string => take(take(2).readUInt16BE()).toString('utf8');
  const certificates: Buffer[] = [];
  const keys: StoreContent['keys'][number][] = [];
  const certificate = (): void => {
    if (version === 2) text(); // X.509
    certificates.push(take(take(4).readUInt32BE()));
  };
  for (let left = body.readUInt32BE(8); left > 0; left--) {
    const tag = take(4).readUInt32BE();
    text(); // alias
    take(8); // date
    if (tag === 1) {
      const key = openKey(take(take(4).readUInt32BE()), password);
      if (key === null)
        return E.left('holds a key with a password of its own; give it that of the store (keytool -keypasswd)');
      keys.push({ der: key, encrypted: false });
      for (let chain = take(4).readUInt32BE(); chain > 0; chain--) certificate();
    } else if (tag === 2) certificate();
    else return E.left(`holds an entry of kind ${tag}, which JKS does not have`);
  }
  return E.right({ certificates, keys });
};

/** EncryptedPrivateKeyInfo of Sun's own algorithm: salt, key under the stream, seal; 20 bytes each round. */
const openKey = (wrapped: Buffer, password: string): Buffer | null => {
  const outer = readDer(wrapped);
  const sealed = E.isRight(outer) ? derAt(outer.right.content, 1)?.content : undefined;
  if (sealed === undefined || sealed.length < 2 * sealBytes) return null;
  const secret = wide(password);
  const cipher = sealed.subarray(sealBytes, sealed.length - sealBytes);
  const key = Buffer.alloc(cipher.length);
  let block = sealed.subarray(0, sealBytes);
  for (let i = 0; i < cipher.length; i++) {
    if (i % sealBytes === 0) block = createHash('sha1').update(secret).update(block).digest();
    key[i] = (cipher[i] ?? 0) ^ (block[i % sealBytes] ?? 0);
  }
  const seal = createHash('sha1').update(secret).update(key).digest();
  return timingSafeEqual(seal, sealed.subarray(sealed.length - sealBytes)) ? key : null;
};
