/**
 * TLS on the byte path of every port: contexts from stores of keys, read again when a file changes; a door that lets
 * plain and encrypted connections in; connections to other servers.
 * @see X509Util, UnifiedServerSocket and ZKTrustManager in ZooKeeper
 */
import { statSync } from 'node:fs';
import { connect as tcpConnect, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { checkServerIdentity, connect as tlsConnect, createSecureContext, createServer, getCiphers } from 'node:tls';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { constants } from 'node:crypto';
import { lookup, reverse } from 'node:dns/promises';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { formatAddress, limitedLog, plainAddress } from './log.js';
import type { Log } from './log.js';
import { identityIn, loadStore, Store } from './stores.js';
import { subjectOf } from './subject.js';

const Version = t.union([t.literal('TLSv1.2'), t.literal('TLSv1.3')]);

export const TlsSettings = t.readonly(
  t.strict({
    /** What its keys begin with: `ssl.` or `ssl.quorum.`. */
    prefix: t.string,
    keyStore: t.union([Store, t.null]),
    /** null: the authorities that Node knows. */
    trustStore: t.union([Store, t.null]),
    clientAuth: t.union([t.literal('none'), t.literal('want'), t.literal('need')]),
    minVersion: Version,
    maxVersion: Version,
    /** Of OpenSSL, between colons; null: Node's. */
    ciphers: t.union([t.string, t.null]),
    /** Whether the certificate of a server that is called must be for its host. */
    hostNames: t.boolean,
    /** Whether the certificate of whoever calls must be for the address it calls from. */
    clientHostNames: t.boolean,
    /** PEM files with revocation lists; null: revocation is not looked at. */
    crlFiles: t.union([t.readonlyArray(t.string), t.null]),
    /** Whether changed files are read again. */
    reload: t.boolean,
    /** Until a connection has begun and ended its handshake, milliseconds. */
    handshakeMs: t.Integer,
  }),
  'TlsSettings',
);
export type TlsSettings = t.TypeOf<typeof TlsSettings>;

export type TlsContext = {
  readonly settings: TlsSettings;
  readonly options: () => SecureContextOptions;
  /** Called with every new context. */
  readonly onReload: (listener: () => void) => void;
  readonly close: () => void;
};

const reloadMs = 1000;

/**
 * @param needsKey a server cannot do without a key; who only calls can
 * @returns Left: file, cause and remedy in one sentence
 */
export const openTls = (settings: TlsSettings, needsKey: boolean, log: Log): E.Either<string, TlsContext> => {
  const first = readContext(settings, needsKey);
  if (E.isLeft(first)) return first;
  let options = first.right;
  const listeners: (() => void)[] = [];
  const files = [settings.keyStore?.location, settings.trustStore?.location, ...(settings.crlFiles ?? [])].filter(
    (file) => file !== undefined,
  );
  let seen = stamps(files);
  const look = (): void => {
    const now = stamps(files);
    if (now === seen) return;
    seen = now;
    const next = readContext(settings, needsKey);
    if (E.isLeft(next)) return log('error', `changed TLS files are not used, the old ones stay: ${next.left}`);
    options = next.right;
    log('info', `TLS files have changed and are used from now on: ${files.join(', ')}`);
    for (const listener of listeners) listener();
  };
  const timer = settings.reload ? setInterval(look, reloadMs) : null;
  timer?.unref();
  return E.right({
    settings,
    options: () => options,
    onReload: (listener) => void listeners.push(listener),
    close: () => {
      if (timer !== null) clearInterval(timer);
    },
  });
};

/** Whatever tells one version of the files from another; a link that is set anew counts. */
const stamps = (files: readonly string[]): string =>
  files
    .map((file) => {
      const stat = statSync(file, { throwIfNoEntry: false });
      return stat === undefined ? 'missing' : `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
    })
    .join();

const readContext = (settings: TlsSettings, needsKey: boolean): E.Either<string, SecureContextOptions> => {
  const { prefix, keyStore, trustStore, crlFiles } = settings;
  const own = keyStore === null ? null : loadStore(keyStore);
  const trusted = trustStore === null ? null : loadStore(trustStore);
  if (own !== null && E.isLeft(own)) return E.left(`${prefix}keyStore: ${own.left}`);
  if (trusted !== null && E.isLeft(trusted)) return E.left(`${prefix}trustStore: ${trusted.left}`);
  const identity = own === null ? null : identityIn(own.right);
  if (needsKey && identity === null)
    return E.left(
      own === null
        ? `${prefix}keyStore.location is missing: a server needs a key and a certificate`
        : `${prefix}keyStore: ${keyStore?.location ?? ''} holds no private key with its certificate`,
    );
  const revoked = [...(trusted?.right.revoked ?? [])];
  for (const location of crlFiles ?? []) {
    const list = loadStore({ location, password: '', type: 'pem' });
    if (E.isLeft(list)) return E.left(`${prefix}crl.files: ${list.left}`);
    revoked.push(...list.right.revoked);
  }
  if (crlFiles !== null && revoked.length === 0)
    return E.left(
      `${prefix}crl is true, but there is no revocation list: lists are not fetched from where certificates name them; ` +
        `write ${prefix}crl.files=<PEM files>, or put them into the trust store`,
    );
  const options: SecureContextOptions = {
    minVersion: settings.minVersion,
    maxVersion: settings.maxVersion,
    honorCipherOrder: true,
    // Sessions that go on would not be held against new revocation lists and authorities.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    ...(settings.ciphers === null ? {} : { ciphers: settings.ciphers }),
    ...(identity ?? {}),
    ...(trusted === null ? {} : { ca: [...trusted.right.certificates] }),
    ...(crlFiles === null ? {} : { crl: revoked }),
  };
  try {
    createSecureContext(options);
    return E.right(options);
  } catch (e) {
    return E.left(`${prefix}keyStore, trustStore or ciphersuites: ${e instanceof Error ? e.message : String(e)}`);
  }
};

/** Names of suites as Java has them, as OpenSSL has them; null: unknown, or not offered by this Node. */
export const cipherOf = (javaName: string): string | null => {
  const name = javaName.trim().toUpperCase();
  const known = getCiphers().map((c) => c.toUpperCase());
  if (/^TLS_(AES|CHACHA20)_/.test(name)) return known.includes(name) ? name : null;
  const parts = /^(?:TLS|SSL)_(?:(ECDHE|DHE)_)?(RSA|ECDSA)_WITH_(.+)_(SHA\d*)$/.exec(name);
  if (parts === null) return known.includes(name) ? name : null;
  const [, exchange, signature = '', cipher = '', hash = ''] = parts;
  const short = cipher
    .replace('3DES_EDE', 'DES-CBC3')
    .replace(/^AES_(\d+)/, 'AES$1')
    .replace(/_CBC$/, '');
  const tail = short.startsWith('CHACHA20') ? short : `${short}-${hash}`;
  const openssl = [exchange, exchange === undefined ? undefined : signature, tail].filter((p) => p !== undefined);
  const built = openssl.join('-').replaceAll('_', '-');
  return known.includes(built) ? built : null;
};

export type DoorOptions = {
  /** For log lines: `client`, `quorum`, `election`. */
  readonly name: string;
  /** null: nobody encrypts. */
  readonly tls: TlsContext | null;
  /** Whether plain connections come in where encrypted ones do. */
  readonly plainToo: boolean;
  /** @param subject of the certificate that was shown and found good, as Java prints it; null: none was */
  readonly onSocket: (socket: Socket, subject: string | null) => void;
  readonly log: Log;
  /** Connections on their way through the door; the oldest of more is closed. */
  readonly maxWaiting?: number;
};

export type Door = {
  /** Takes a connection that was just accepted; it comes out by `onSocket`, or is closed. */
  readonly admit: (raw: Socket) => void;
  readonly close: () => void;
};

export const openDoor = ({ name, tls, plainToo, onSocket, log, maxWaiting = 256 }: DoorOptions): Door => {
  if (tls === null) return { admit: (raw) => onSocket(raw, null), close: () => undefined };
  const { settings } = tls;
  const warn = limitedLog(log, 20, () => performance.now());
  const waiting = new Map<string, Socket>();
  const placeOf = (socket: Socket): string => formatAddress(plainAddress(socket.remoteAddress), socket.remotePort ?? 0);

  const server = createServer(
    {
      ...tls.options(),
      requestCert: settings.clientAuth !== 'none',
      rejectUnauthorized: false,
      handshakeTimeout: settings.handshakeMs,
    },
    (socket) => void secured(socket),
  );
  server.on('tlsClientError', (error, socket) => {
    warn('warn', `${name}: ${placeOf(socket)} closed: TLS: ${error.message}`);
    socket.destroy();
  });
  tls.onReload(() => server.setSecureContext(tls.options()));

  const secured = async (socket: TLSSocket): Promise<void> => {
    socket.on('error', () => undefined);
    const place = placeOf(socket);
    const refuse = (reason: string): void => {
      warn('warn', `${name}: ${place} closed: ${reason}`);
      socket.destroy();
    };
    const certificate = settings.clientAuth === 'none' ? null : socket.getPeerCertificate();
    const isShown = certificate !== null && Object.keys(certificate).length > 0;
    if (!isShown && settings.clientAuth === 'need') return refuse('it has shown no certificate');
    if (isShown && !socket.authorized)
      return refuse(`its certificate is not good: ${String(socket.authorizationError)}`);
    const subject = isShown ? subjectOf(certificate.raw) : null;
    if (isShown && subject === null) return refuse('the subject of its certificate cannot be read');
    if (isShown && settings.clientHostNames) {
      const address = plainAddress(socket.remoteAddress);
      const isFor = (host: string): boolean => checkServerIdentity(host, certificate) === undefined;
      if (!isFor(address) && !(await confirmedNames(address)).some(isFor))
        return refuse(`its certificate is not for ${address}, where it calls from`);
    }
    waiting.delete(place);
    if (!socket.destroyed) onSocket(socket, subject);
  };

  const admit = (raw: Socket): void => {
    const place = placeOf(raw);
    const [oldest] = waiting;
    if (oldest !== undefined && waiting.size >= maxWaiting) {
      warn(
        'warn',
        `${name}: ${oldest[0]} closed: it is the oldest of ${maxWaiting} that have not ended their handshake`,
      );
      waiting.delete(oldest[0]);
      oldest[1].destroy();
    }
    waiting.set(place, raw);
    raw.once('close', () => waiting.delete(place));
    raw.on('error', () => undefined);
    if (plainToo) return tell(raw, place);
    server.emit('connection', raw);
  };

  /** The first byte tells; who says nothing is taken for plain, and meets the limits of the port. */
  const tell = (raw: Socket, place: string): void => {
    const plain = (): void => {
      clearTimeout(patience);
      raw.off('data', read);
      waiting.delete(place);
      onSocket(raw, null);
      raw.resume();
    };
    const read = (chunk: Buffer): void => {
      raw.pause();
      raw.unshift(chunk);
      if (chunk[0] !== handshakeRecord) return plain();
      clearTimeout(patience);
      raw.off('data', read);
      server.emit('connection', raw);
    };
    const patience = setTimeout(plain, settings.handshakeMs);
    raw.once('close', () => clearTimeout(patience));
    raw.on('data', read);
  };

  return {
    admit,
    close: () => {
      for (const raw of waiting.values()) raw.destroy();
      waiting.clear();
    },
  };
};

const handshakeRecord = 0x16;

type Resolver = {
  readonly reverse: (address: string) => Promise<readonly string[]>;
  readonly lookup: (name: string) => Promise<readonly { readonly address: string }[]>;
};

const system: Resolver = { reverse, lookup: (name) => lookup(name, { all: true }) };

/**
 * Names of an address that lead back to it. Whoever has an address can give it any name; that the name has the address
 * only its owner can say.
 */
export const confirmedNames = async (address: string, resolver: Resolver = system): Promise<readonly string[]> => {
  const names = await resolver.reverse(address).catch(() => []);
  const back = await Promise.all(names.map((name) => resolver.lookup(name).catch(() => [])));
  return names.filter((_, i) => back[i]?.some((found) => found.address === address));
};

/** A connection on its way: `opened` is the event that tells that it may be used. */
export type Dialled = { readonly socket: Socket; readonly opened: 'connect' | 'secureConnect' };

export const dial = (host: string, port: number, tls: TlsContext | null): Dialled => {
  if (tls === null) return { socket: tcpConnect({ host, port, noDelay: true }), opened: 'connect' };
  const socket = tlsConnect({
    host,
    port,
    ...tls.options(),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    checkServerIdentity: tls.settings.hostNames ? checkServerIdentity : () => undefined,
  });
  socket.setNoDelay(true);
  return { socket, opened: 'secureConnect' };
};
