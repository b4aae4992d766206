/**
 * The subject of a certificate as Java prints it (X500Principal.getName, RFC 2253): the id of scheme x509. Access lists
 * hold these texts, so every character counts.
 */
import { derTags, oidOf, partsOf, readDer } from './der.js';
import type { Der } from './der.js';
import * as E from 'fp-ts/lib/Either.js';

const keywords: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
};

/** @param certificate DER; @returns null when it is none */
export const subjectOf = (certificate: Buffer): string | null => {
  const whole = readDer(certificate);
  if (E.isLeft(whole)) return null;
  const tbs = partsOf(whole.right.content)?.[0];
  const fields = tbs === undefined ? null : partsOf(tbs.content);
  if (fields === null) return null;
  // version (only [0] is explicit), serial number, algorithm, issuer, validity, subject
  const subject = fields[fields[0]?.tag === 0xa0 ? 5 : 4];
  return subject?.tag === derTags.sequence ? nameOf(subject) : null;
};

/** From the most specific part to the country, other than they stand in the certificate. */
const nameOf = (name: Der): string | null => {
  const parts = partsOf(name.content)?.map((rdn) => partsOf(rdn.content)?.map(assertion));
  if (parts === undefined || parts.some((rdn) => rdn === undefined || rdn.includes(null))) return null;
  return parts
    .map((rdn) => rdn?.join('+'))
    .toReversed()
    .join(',');
};

const assertion = (pair: Der): string | null => {
  const [type, value] = partsOf(pair.content) ?? [];
  if (type === undefined || value === undefined) return null;
  const oid = oidOf(type.content);
  const keyword = keywords[oid];
  const text = keyword === undefined ? null : textOf(value);
  return text === null ? `${keyword ?? oid}=#${value.whole.toString('hex')}` : `${keyword}=${escaped(text)}`;
};

const textOf = ({ tag, content }: Der): string | null => {
  switch (tag) {
    case derTags.utf8:
      return content.toString('utf8');
    case derTags.printable:
    case derTags.ia5:
      return content.toString('ascii');
    case derTags.teletex:
      return content.toString('latin1');
    case derTags.bmp:
      return Buffer.from(content).swap16().toString('utf16le');
    case derTags.universal: {
      let text = '';
      for (let at = 0; at + 4 <= content.length; at += 4) text += String.fromCodePoint(content.readUInt32BE(at));
      return text;
    }
    default:
      return null;
  }
};

const escaped = (text: string): string => {
  const inner = text.replace(/[,=+<>#;"\\]/g, '\\$&').replaceAll('\0', '\\00');
  const lead = /^[ \r]*/.exec(inner)?.[0].length ?? 0;
  if (lead === inner.length) return inner.replace(/./gs, '\\$&');
  const trail = /[ \r]*$/.exec(inner)?.[0].length ?? 0;
  const middle = inner.slice(lead, inner.length - trail);
  return '\\ '.repeat(lead) + middle + '\\ '.repeat(trail);
};
