/** The password that proves a session to every server of an ensemble, Apache's included. */
import type { SessionId } from './txn.js';

/** Halves of 24 bits: a product of two stays exact in a double. */
const half = 0x1000000;

/** The secret all servers share, DefaultSessionTracker's superSecret 0xB3415C00, as halves. */
const secretHigh = 0x0000b3;
const secretLow = 0x415c00;

/** Multiplier of java.util.Random, 0x5DEECE66D, as halves; its increment is 0xB. */
const factorHigh = 0x5de;
const factorLow = 0xece66d;
const increment = 0xb;

/**
 * 16 bytes: java.util.Random seeded with `session XOR secret`, four numbers of 32 bits, each little endian.
 * @see ZooKeeperServer.generatePasswd; client-protocol section 2
 */
export const sessionPassword = (session: SessionId): Uint8Array => {
  const bytes = new Uint8Array(16);
  // The generator has 48 bits of state: the top 16 bits of the session do not enter. Seeding mixes the factor in.
  let high = parseInt(session.slice(4, 10), 16) ^ secretHigh ^ factorHigh;
  let low = parseInt(session.slice(10, 16), 16) ^ secretLow ^ factorLow;
  for (let i = 0; i < 16; i += 4) {
    const product = low * factorLow + increment;
    high = (high * factorLow + low * factorHigh + Math.floor(product / half)) % half;
    low = product % half;
    const bits = (high << 8) | (low >>> 16);
    bytes[i] = bits;
    bytes[i + 1] = bits >>> 8;
    bytes[i + 2] = bits >>> 16;
    bytes[i + 3] = bits >>> 24;
  }
  return bytes;
};
