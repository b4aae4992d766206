/**
 * Distinguished names as ACLs of x509 hold them, `CN=client,OU=Dev,O=Acme,C=US`: which texts are one.
 * Source: RFC 2253, RFC 1779, and what javax.security.auth.x500.X500Principal accepts.
 */

const keywords =
  'CN C L S ST O OU T IP STREET DC DNQUALIFIER DNQ SURNAME GIVENNAME INITIALS GENERATION EMAIL EMAILADDRESS UID SERIALNUMBER'.split(
    ' ',
  );

/** The empty name is one. */
export const isDistinguishedName = (text: string): boolean => {
  if (text.trim() === '') return true;
  const parts = splitName(text);
  return parts !== null && parts.every(isAssertion);
};

/** The assertions between commas, semicolons and plus signs; null when a quotation or an escape does not end. */
const splitName = (text: string): readonly string[] | null => {
  const parts: string[] = [];
  let from = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '\\') i += 1;
    else if (c === '"') quoted = !quoted;
    else if (!quoted && (c === ',' || c === ';' || c === '+')) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
    if (i >= text.length) return null;
  }
  parts.push(text.slice(from));
  return quoted ? null : parts;
};

const isAssertion = (part: string): boolean => {
  const equals = part.indexOf('=');
  const type = part.slice(0, Math.max(0, equals)).trim().toUpperCase();
  if (equals < 0 || !(keywords.includes(type) || /^(OID\.)?[0-2](\.\d+)+$/.test(type))) return false;
  const value = part.slice(equals + 1).trim();
  return value.startsWith('#') ? /^#([0-9a-fA-F]{2})+$/.test(value) : hasNoBareSpecial(value);
};

/** Outside a quotation these must be escaped. */
const hasNoBareSpecial = (value: string): boolean => {
  if (value.startsWith('"')) return /^"(\\.|[^"\\])*"$/s.test(value);
  return /^(\\.|[^\\<>"])*$/s.test(value);
};
