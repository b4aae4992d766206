/**
 * PKCS #12 stores (RFC 7292) as keytool and openssl write them: certificates and a private key under a password.
 * Encryption with PBES2 or with triple DES; what only OpenSSL's legacy provider knows (RC2) is refused by name.
 */
import { createDecipheriv, createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import * as E from 'fp-ts/lib/Either.js';
import { derAt, integerOf, oidOf, partsOf, readDer } from './der.js';
import type { Der } from './der.js';

/** What a store of any kind holds. */
export type StoreContent = {
  /** X.509, DER, in the order of the store. */
  readonly certificates: readonly Buffer[];
  /** PKCS #8, DER; encrypted with the store's password or plain. */
  readonly keys: readonly { readonly der: Buffer; readonly encrypted: boolean }[];
};

const oids = {
  data: '1.2.840.113549.1.7.1',
  encrypted: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certBag: '1.2.840.113549.1.12.10.1.3',
  pbes2: '1.2.840.113549.1.5.13',
  tripleDes: '1.2.840.113549.1.12.1.3',
  rc2: '1.2.840.113549.1.12.1.6',
} as const;

const hashes: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};

const ciphers: Readonly<Record<string, { readonly name: string; readonly keyBytes: number }>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyBytes: 32 },
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', keyBytes: 24 },
};

/** More rounds than this are an attack on whoever opens the file. */
const maxRounds = 10_000_000;

/** @returns Left: why it cannot be read, in words that follow the name of the file */
export const readPkcs12 = (bytes: Buffer, password: string): E.Either<string, StoreContent> => {
  const pfx = readDer(bytes);
  const safe = E.isRight(pfx) ? derAt(pfx.right.content, 1, 1, 0) : null;
  if (E.isLeft(pfx) || safe === null) return E.left('is no PKCS #12 store');
  const mac = partsOf(pfx.right.content)?.[2];
  if (mac !== undefined) {
    const fits = checkMac(mac, safe.content, password);
    if (fits !== null) return E.left(fits);
  }
  const certificates: Buffer[] = [];
  const keys: StoreContent['keys'][number][] = [];
  const infos = readDer(safe.content);
  for (const info of (E.isRight(infos) ? partsOf(infos.right.content) : null) ?? []) {
    const bags = bagsOf(info, password);
    if (E.isLeft(bags)) return bags;
    for (const bag of bags.right) {
      const type = derAt(bag.content, 0);
      const value = derAt(bag.content, 1, 0);
      if (type === null || value === null) continue;
      switch (oidOf(type.content)) {
        case oids.certBag: {
          const certificate = derAt(value.content, 1, 0);
          if (certificate !== null) certificates.push(certificate.content);
          break;
        }
        case oids.shroudedKeyBag:
          keys.push({ der: value.whole, encrypted: true });
          break;
        case oids.keyBag:
          keys.push({ der: value.whole, encrypted: false });
          break;
      }
    }
  }
  return E.right({ certificates, keys });
};

/** The bags of one ContentInfo, decrypted. */
const bagsOf = (info: Der, password: string): E.Either<string, readonly Der[]> => {
  const type = derAt(info.content, 0);
  const kind = type === null ? '' : oidOf(type.content);
  if (kind === oids.data) {
    const data = derAt(info.content, 1, 0);
    return E.right(data === null ? [] : bagList(data.content));
  }
  const content = kind === oids.encrypted ? derAt(info.content, 1, 0, 1) : null;
  const algorithm = content === null ? null : derAt(content.content, 1);
  const sealed = content === null ? null : derAt(content.content, 2);
  if (algorithm === null || sealed === null) return E.left(`holds content of a kind that is not known (${kind})`);
  const clear = decrypt(algorithm, sealed.content, password);
  return E.isLeft(clear) ? clear : E.right(bagList(clear.right));
};

const bagList = (bytes: Buffer): readonly Der[] => {
  const list = readDer(bytes);
  return E.isLeft(list) ? [] : (partsOf(list.right.content) ?? []);
};

const decrypt = (algorithm: Der, sealed: Buffer, password: string): E.Either<string, Buffer> => {
  const oid = oidOf(derAt(algorithm.content, 0)?.content ?? Buffer.alloc(0));
  const plan =
    oid === oids.pbes2 ? pbes2(algorithm, password) : oid === oids.tripleDes ? tripleDes(algorithm, password) : null;
  if (plan === null)
    return E.left(
      oid === oids.rc2
        ? 'is encrypted with RC2, which is broken; write it anew: openssl pkcs12 -legacy -in OLD -nodes | openssl pkcs12 -export -out NEW'
        : `is encrypted in a way that is not known (${oid})`,
    );
  try {
    const decipher = createDecipheriv(plan.cipher, plan.key, plan.iv);
    return E.right(Buffer.concat([decipher.update(sealed), decipher.final()]));
  } catch {
    return E.left('cannot be opened: the password is wrong');
  }
};

type Plan = { readonly cipher: string; readonly key: Buffer; readonly iv: Buffer };

const pbes2 = (algorithm: Der, password: string): Plan | null => {
  const salt = derAt(algorithm.content, 1, 0, 1, 0);
  const rounds = derAt(algorithm.content, 1, 0, 1, 1);
  const derivation = partsOf(derAt(algorithm.content, 1, 0, 1)?.content ?? Buffer.alloc(0)) ?? [];
  const prf = derivation.find((part) => part.tag === 0x30);
  const hash = prf === undefined ? 'sha1' : hashes[oidOf(derAt(prf.content, 0)?.content ?? Buffer.alloc(0))];
  const cipher = ciphers[oidOf(derAt(algorithm.content, 1, 1, 0)?.content ?? Buffer.alloc(0))];
  const iv = derAt(algorithm.content, 1, 1, 1);
  if (salt === null || rounds === null || iv === null || hash === undefined || cipher === undefined) return null;
  const count = integerOf(rounds.content);
  if (count < 1 || count > maxRounds) return null;
  const key = pbkdf2Sync(Buffer.from(password, 'utf8'), salt.content, count, cipher.keyBytes, hash);
  return { cipher: cipher.name, key, iv: iv.content };
};

const tripleDes = (algorithm: Der, password: string): Plan | null => {
  const salt = derAt(algorithm.content, 1, 0);
  const rounds = derAt(algorithm.content, 1, 1);
  if (salt === null || rounds === null || integerOf(rounds.content) > maxRounds) return null;
  const derived = (purpose: number, length: number): Buffer =>
    deriveOld('sha1', purpose, password, salt.content, integerOf(rounds.content), length);
  return { cipher: 'des-ede3-cbc', key: derived(1, 24), iv: derived(2, 8) };
};

/** @returns null when the password fits, else what is wrong */
const checkMac = (mac: Der, content: Buffer, password: string): string | null => {
  const hash = hashes[oidOf(derAt(mac.content, 0, 0, 0)?.content ?? Buffer.alloc(0))];
  const digest = derAt(mac.content, 0, 1);
  const salt = derAt(mac.content, 1);
  const rounds = derAt(mac.content, 2);
  const count = rounds === null ? 1 : integerOf(rounds.content);
  if (hash === undefined || digest === null || salt === null || count > maxRounds)
    return 'has a seal that is not known';
  const key = deriveOld(hash, 3, password, salt.content, count, createHash(hash).digest().length);
  const expected = createHmac(hash, key).update(content).digest();
  return expected.length === digest.content.length && timingSafeEqual(expected, digest.content)
    ? null
    : 'cannot be opened: the password is wrong, or the file is damaged';
};

/** The derivation of RFC 7292, appendix B: 1 makes keys, 2 initial values, 3 keys of seals. */
const deriveOld = (
  hash: string,
  purpose: number,
  password: string,
  salt: Buffer,
  rounds: number,
  length: number,
): Buffer => {
  const u = createHash(hash).digest().length;
  const v = hash === 'sha384' || hash === 'sha512' ? 128 : 64;
  const stretch = (bytes: Buffer): Buffer => {
    const size = v * Math.ceil(bytes.length / v);
    return Buffer.alloc(size, bytes.length === 0 ? Buffer.alloc(1) : bytes);
  };
  const wide = Buffer.from(`${password}\0`, 'utf16le').swap16();
  let input: Buffer = Buffer.concat([stretch(salt), stretch(wide)]);
  const blocks: Buffer[] = [];
  for (let made = 0; made < length; made += u) {
    let a = createHash(hash).update(Buffer.alloc(v, purpose)).update(input).digest();
    for (let i = 1; i < rounds; i++) a = createHash(hash).update(a).digest();
    blocks.push(a);
    input = addToBlocks(input, Buffer.alloc(v, a), v);
  }
  return Buffer.concat(blocks).subarray(0, length);
};

/** Each block plus b plus one, as numbers of v bytes. */
const addToBlocks = (input: Buffer, b: Buffer, v: number): Buffer => {
  const next = Buffer.from(input);
  for (let from = 0; from < next.length; from += v) {
    let carry = 1;
    for (let i = v - 1; i >= 0; i--) {
      carry += (next[from + i] ?? 0) + (b[i] ?? 0);
      next[from + i] = carry & 0xff;
      carry >>= 8;
    }
  }
  return next;
};
