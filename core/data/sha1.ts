/** SHA-1 (FIPS 180-4) and base64 (RFC 4648) for digest identities; not for anything that must resist an attacker. */

const rotate = (x: number, n: number): number => (x << n) | (x >>> (32 - n));

/** @returns 20 bytes */
export const sha1 = (message: Uint8Array): Uint8Array => {
  const blocks = ((message.length + 8) >>> 6) + 1;
  const words = new Int32Array(blocks * 16);
  for (let i = 0; i < message.length; i++) words[i >>> 2]! |= (message[i] as number) << (24 - (i & 3) * 8);
  words[message.length >>> 2]! |= 0x80 << (24 - (message.length & 3) * 8);
  words[words.length - 2] = Math.floor(message.length / 0x20000000);
  words[words.length - 1] = message.length << 3;

  const hash = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]);
  const w = new Int32Array(80);
  for (let block = 0; block < words.length; block += 16) {
    let [a, b, c, d, e] = hash as unknown as [number, number, number, number, number];
    for (let t = 0; t < 80; t++) {
      w[t] = t < 16 ? words[block + t]! : rotate(w[t - 3]! ^ w[t - 8]! ^ w[t - 14]! ^ w[t - 16]!, 1);
      const [f, k] =
        t < 20
          ? [(b & c) | (~b & d), 0x5a827999]
          : t < 40
            ? [b ^ c ^ d, 0x6ed9eba1]
            : t < 60
              ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc]
              : [b ^ c ^ d, 0xca62c1d6];
      const next = (rotate(a, 5) + f + e + k + w[t]!) | 0;
      e = d;
      d = c;
      c = rotate(b, 30);
      b = a;
      a = next;
    }
    hash[0]! += a;
    hash[1]! += b;
    hash[2]! += c;
    hash[3]! += d;
    hash[4]! += e;
  }
  const bytes = new Uint8Array(20);
  for (let i = 0; i < 20; i++) bytes[i] = hash[i >>> 2]! >>> (24 - (i & 3) * 8);
  return bytes;
};

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export const base64 = (bytes: Uint8Array): string => {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const word = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += alphabet[word >>> 18]! + alphabet[(word >>> 12) & 63]!;
    text += left > 1 ? alphabet[(word >>> 6) & 63]! : '=';
    text += left > 2 ? alphabet[word & 63]! : '=';
  }
  return text;
};
