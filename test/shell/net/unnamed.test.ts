/** Connections that never say who they are must not keep out those that do. */
import test from 'ava';
import { startElection } from '../../../shell/net/election.js';
import { startQuorum } from '../../../shell/net/quorum.js';
import { encodeInitialMessage } from '../../../wire/election.js';
import { encodePacket } from '../../../wire/quorum.js';
import { dial, freePort, until } from './peer.js';

/** More than either port holds. */
const silent = 300;

test('quorum port: a learner gets in while others hold more silent connections than the port keeps', async (t) => {
  const heard: number[] = [];
  const lines: string[] = [];
  const quorum = startQuorum({
    self: 3,
    peers: [],
    bind: { host: '127.0.0.1', port: 0 },
    onPacket: (from) => heard.push(from),
    onClosed: () => undefined,
    log: (_, line) => lines.push(line),
    initTimeoutMs: 60_000,
  });
  t.teardown(quorum.close);
  quorum.listen();
  await until(() => quorum.port() > 0, 'the port is bound');
  const held = await Promise.all(Array.from({ length: silent }, () => dial(t, quorum.port())));
  const learner = await dial(t, quorum.port());
  const configVersion = { epoch: 0, counter: 0 };
  learner.send(
    encodePacket({ type: 'FOLLOWERINFO', acceptedEpoch: 1, sid: 1, protocolVersion: 0x10000, configVersion }),
  );
  await until(() => heard.length === 1, 'the learner is heard');
  t.is(quorum.links().length, 1);
  await held[0]?.ended;
  t.true(lines.some((line) => line.includes('it is the oldest of 256 that have not said yet who they are')));
  t.false(held.at(-1)?.socket.closed ?? true);
});

test('election port: a server gets in while others hold more silent connections than the port keeps', async (t) => {
  const lines: string[] = [];
  const port = await freePort();
  const election = startElection({
    self: 1,
    peers: [{ sid: 3, host: '127.0.0.1', electionPort: await freePort() }],
    bind: { host: '127.0.0.1', port },
    onNotification: () => undefined,
    log: (_, line) => lines.push(line),
    handshakeTimeoutMs: 60_000,
  });
  t.teardown(election.close);
  await until(() => election.port() > 0, 'the port is bound');
  const held = await Promise.all(Array.from({ length: silent }, () => dial(t, port)));
  const server = await dial(t, port);
  server.send(encodeInitialMessage({ form: 'single', sid: 3, addresses: [{ host: '127.0.0.1', port: 1 }] }));
  await until(() => election.connected().length === 1, 'the server is connected');
  t.deepEqual(election.connected(), [3]);
  await held[0]?.ended;
  t.true(lines.some((line) => line.includes('it is the oldest of 256 that have not said yet who they are')));
  t.false(held.at(-1)?.socket.closed ?? true);
});
