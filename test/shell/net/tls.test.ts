/** The door of a port: who is let in, with what name, and what those who wait may cost. */
import { createServer, connect as tcpConnect } from 'node:net';
import type { Server, Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { once } from 'node:events';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import { confirmedNames, dial, openDoor, openTls } from '../../../shell/net/tls.js';
import type { DoorOptions, TlsContext, TlsSettings } from '../../../shell/net/tls.js';
import { clientOf, makeCertificates } from '../../system/certificates.js';
import type { people } from '../../system/certificates.js';
import { until } from './peer.js';

const certificates = makeCertificates();
test.after.always(certificates.remove);

const settings: TlsSettings = {
  prefix: 'ssl.',
  keyStore: { location: certificates.pem('server'), password: '', type: null },
  trustStore: { location: certificates.ca, password: '', type: null },
  clientAuth: 'need',
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: null,
  hostNames: true,
  clientHostNames: false,
  crlFiles: null,
  reload: false,
  handshakeMs: 60_000,
};

const contextOf = (changed: Partial<TlsSettings> = {}): TlsContext => {
  const context = openTls({ ...settings, ...changed }, true, () => undefined);
  if (E.isLeft(context)) throw new Error(context.left);
  return context.right;
};

type Place = {
  readonly port: number;
  readonly come: (string | null)[];
  readonly lines: string[];
  readonly accepted: Socket[];
};

/** A port behind a door; what comes in is answered with `hello`. */
const place = async (t: ExecutionContext, options: Partial<DoorOptions> = {}): Promise<Place> => {
  const come: (string | null)[] = [];
  const lines: string[] = [];
  const accepted: Socket[] = [];
  const door = openDoor({
    name: 'test',
    tls: contextOf(),
    plainToo: false,
    onSocket: (socket, subject) => {
      come.push(subject);
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => socket.write(chunk));
      socket.write('hello');
    },
    log: (_, line) => lines.push(line),
    ...options,
  });
  const server: Server = createServer((socket) => {
    accepted.push(socket);
    door.admit(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    door.close();
    for (const socket of accepted) socket.destroy();
  });
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0, come, lines, accepted };
};

/** What somebody hears who says hello; '' when the connection ends first. */
const hear = (port: number, person: keyof typeof people | null): Promise<string> =>
  new Promise((resolve) => {
    const socket = tlsConnect({ host: '127.0.0.1', port, ...clientOf(certificates, person) });
    let heard = '';
    socket.on('error', () => resolve(heard));
    socket.on('close', () => resolve(heard));
    socket.on('data', (chunk) => {
      heard += chunk.toString();
      if (heard.length >= 5) socket.destroy();
    });
  });

test('good certificates are let in under their subject; each bad one is refused with the reason', async (t) => {
  const { port, come, lines } = await place(t);
  t.is(await hear(port, 'client'), 'hello');
  for (const person of ['expired', 'stranger', null] as const) t.is(await hear(port, person), '', person ?? 'nobody');
  await until(() => lines.length >= 3, 'all are told of');
  t.deepEqual(come, ['CN=bob,OU=Dev,O=Acme,C=US']);
  for (const reason of [
    /not good: CERT_HAS_EXPIRED/,
    /not good: UNABLE_TO_VERIFY_LEAF_SIGNATURE/,
    /shown no certificate/,
  ])
    t.true(
      lines.some((line) => reason.test(line)),
      `${String(reason)} in ${lines.join()}`,
    );
});

test('the certificate of who calls must be for its address where that is asked', async (t) => {
  const { port, lines } = await place(t, { tls: contextOf({ clientHostNames: true }) });
  t.is(await hear(port, 'server'), 'hello');
  t.is(await hear(port, 'elsewhere'), '');
  await until(() => lines.length > 0, 'it is told');
  t.regex(lines[0] ?? '', /its certificate is not for 127\.0\.0\.1, where it calls from/);
});

test('who is called must show a certificate for its host, unless names are not looked at', async (t) => {
  for (const [person, hostNames, opens] of [
    ['server', true, true],
    ['elsewhere', true, false],
    ['elsewhere', false, true],
    ['stranger', false, false],
  ] as const) {
    // prettier-ignore
    const called = contextOf({ keyStore: { location: certificates.pem(person), password: '', type: null } });
    const { port } = await place(t, { tls: called });
    const { socket, opened } = dial('127.0.0.1', port, contextOf({ hostNames }));
    t.teardown(() => socket.destroy());
    const outcome = await new Promise<boolean>((resolve) => {
      socket.on('error', () => resolve(false));
      socket.once(opened, () => resolve(true));
    });
    t.is(outcome, opens, `${person}, ${String(hostNames)}`);
  }
});

test('plain and encrypted through one door; the first bytes of either are not lost', async (t) => {
  const { port, come } = await place(t, { plainToo: true });
  const plain = tcpConnect(port, '127.0.0.1');
  t.teardown(() => plain.destroy());
  let heard = '';
  plain.on('data', (chunk) => (heard += chunk.toString()));
  plain.write('first');
  await until(() => heard === 'hellofirst', 'it is heard');
  t.is(await hear(port, 'client'), 'hello');
  t.deepEqual(come, [null, 'CN=bob,OU=Dev,O=Acme,C=US']);
});

test('who says nothing is taken for plain where plain connections come in, and let go elsewhere', async (t) => {
  for (const plainToo of [true, false]) {
    const { port, come, accepted, lines } = await place(t, { plainToo, tls: contextOf({ handshakeMs: 200 }) });
    const silent = tcpConnect(port, '127.0.0.1');
    silent.on('error', () => undefined);
    t.teardown(() => silent.destroy());
    if (plainToo) await until(() => come.length === 1, 'the silent one is taken for plain');
    else {
      await until(() => accepted.length === 1 && accepted.every((s) => s.destroyed), 'the silent one is gone');
      t.regex(lines.join(), /TLS handshake timeout/);
    }
    t.deepEqual(come, plainToo ? [null] : []);
  }
});

test('of too many that have not ended their handshake the oldest goes', async (t) => {
  const { port, lines, accepted } = await place(t, { maxWaiting: 3 });
  const sockets = Array.from({ length: 5 }, () => {
    const socket = tcpConnect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    t.teardown(() => socket.destroy());
    return socket;
  });
  await until(() => accepted.length === 5, 'all are accepted');
  await until(() => accepted.filter((s) => s.destroyed).length >= 2, 'two are gone');
  t.regex(lines.join('\n'), /it is the oldest of 3 that have not ended their handshake/);
  t.is(await hear(port, 'client'), 'hello');
  t.is(sockets.length, 5);
});

test('names of an address count when they lead back to it', async (t) => {
  const back: Readonly<Record<string, readonly string[]>> = { zoo1: ['10.0.0.1', '10.0.0.2'], zoo2: ['10.0.0.9'] };
  const resolver = {
    reverse: (address: string) =>
      address === '10.0.0.1' ? Promise.resolve(['zoo1', 'zoo2', 'none']) : Promise.reject(new Error('ENOTFOUND')),
    lookup: (name: string) =>
      name in back ? Promise.resolve((back[name] ?? []).map((address) => ({ address }))) : Promise.reject(new Error('ENOTFOUND')), // prettier-ignore
  };
  t.deepEqual(await confirmedNames('10.0.0.1', resolver), ['zoo1']);
  t.deepEqual(await confirmedNames('10.0.0.2', resolver), []);
});

test('what cannot be used is refused with its file', (t) => {
  const problem = (changed: Partial<TlsSettings>, needsKey = true): string => {
    const context = openTls({ ...settings, ...changed }, needsKey, () => undefined);
    return E.isLeft(context) ? context.left : '';
  };
  const store = (file: string) => ({ location: join(certificates.dir, file), password: '', type: 'pem' as const });
  t.regex(problem({ keyStore: null }), /ssl\.keyStore\.location is missing/);
  t.is(problem({ keyStore: null }, false), '');
  t.regex(problem({ keyStore: store('ca.pem') }), /holds no private key/);
  t.regex(problem({ trustStore: store('none.pem') }), /ssl\.trustStore: \S+ cannot be read/);
  t.regex(problem({ crlFiles: [] }), /ssl\.crl is true, but there is no revocation list/);
  t.regex(problem({ crlFiles: [join(certificates.dir, 'none')] }), /ssl\.crl\.files: /);
  t.regex(problem({ ciphers: 'nonsense' }), /ciphersuites/);
});
