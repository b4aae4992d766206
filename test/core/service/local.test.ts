/** Sessions that one server alone knows, and service without a quorum. */
import test from 'ava';
import { ageLocals } from '../../../core/localSessions.js';
import { hasKey } from '../../../core/data/hamt.js';
import { zeroZxid } from '../../../core/data/zxid.js';
import { defaultRules } from '../../../core/service/rules.js';
import type { ServiceRules } from '../../../core/service/rules.js';
import { takeTouched } from '../../../core/service/service.js';
import { sessionPassword } from '../../../core/service/password.js';
import { answerTo, ask, attach, commit, connectRequest, create, send, startSolo, told } from './support.js';
import type { Solo } from './support.js';

const started = (localSessions: ServiceRules['localSessions']): Solo => startSolo({ ...defaultRules, localSessions });

const connected = (solo: Solo, conn: number, record = {}): readonly string[] => {
  const first = send(solo, { type: 'ClientConnected', conn, address: '127.0.0.1' });
  return told([...first, ...send(solo, { type: 'ConnectReceived', conn, request: connectRequest(record) })]);
};

test('a local session begins without a transaction, and its plain writes are done', (t) => {
  const solo = started('on');
  t.deepEqual(connected(solo, 1), ['1: session 0100000a740a0000 for 6000']);
  t.is(solo.pending.length, 0);
  t.is(answerTo(solo, 1, create('/a')).err, 0);
  t.is(answerTo(solo, 1, create('/e', 1)).err, -120);
  t.is(answerTo(solo, 1, create('/c', 7)).err, -8);
  t.deepEqual(told(ask(solo, 1, 9, { op: 'closeSession' })), ['1: reply 9 err 0 at 3', '1: close, session closed']);
  const password = sessionPassword('0100000a740a0000');
  connected(solo, 2, { session: '0100000a740a0000', password });
  t.deepEqual(solo.asked, ['0100000a740a0000'], 'it is as good as any other that is not known');
});

test('a local session is attached again without the leader', (t) => {
  const solo = started('on');
  const { session, password } = { session: '0100000a740a0000', password: sessionPassword('0100000a740a0000') };
  connected(solo, 1);
  t.deepEqual(connected(solo, 2, { session, password, timeoutMs: 8000 }), [
    '1: close, attached elsewhere',
    `2: session ${session} for 8000`,
  ]);
  t.deepEqual(solo.asked, []);
});

test('an upgraded session is created before its first ephemeral node, and once', (t) => {
  const solo = started('upgraded');
  connected(solo, 1);
  ask(solo, 1, 1, { op: 'multi', parts: [create('/e', 1)] });
  ask(solo, 1, 2, create('/f', 1));
  const types = solo.pending.map((p) => ('txn' in p ? p.txn.record.type : 'sync'));
  t.deepEqual(types, ['createSession', 'multi', 'create']);
  t.deepEqual(told(commit(solo)), ['1: reply 1 err 0 at 2', '1: reply 2 err 0 at 3']);
  ask(solo, 1, 3, { op: 'closeSession' });
  t.deepEqual(told(commit(solo)), ['1: reply 3 err 0 at 4', '1: close, session closed']);
});

test('a silent local session expires, one that is heard of does not', (t) => {
  const solo = started('on');
  connected(solo, 1);
  connected(solo, 2);
  const [one, two] = ['0100000a740a0000', '0100000a740a0001'];
  const turn = (locals: Parameters<typeof ageLocals>[0], nowMs: number) => {
    const { state, touched } = takeTouched(solo.state);
    solo.state = state;
    return ageLocals(locals, state, touched, nowMs);
  };
  let { locals, expired } = turn(null, 0);
  ask(solo, 2, 1, { op: 'ping' });
  ({ locals, expired } = turn(locals, 5000));
  t.deepEqual(expired, []);
  ({ locals, expired } = turn(locals, 8000));
  t.deepEqual(expired, [one]);
  t.deepEqual(told(send(solo, { type: 'LocalExpired', session: one })), ['1: close, session closed']);
  t.deepEqual(told(send(solo, { type: 'LocalExpired', session: one })), []);
  t.true(solo.state.serving !== null && hasKey(solo.state.serving.locals, two));
});

const readOnlySolo = (): Solo => {
  const solo = startSolo();
  attach(solo, 1);
  answerTo(solo, 1, create('/kept'));
  const common = { tickTimeMs: 2000, minSessionTimeoutMs: 4000, maxSessionTimeoutMs: 40_000, zxid: zeroZxid };
  send(solo, { type: 'StartServing', firstSession: '0100000a740b0000', ...common, readOnly: true });
  return solo;
};

test('without a quorum those who can do with reading are served, others are sent away', (t) => {
  const solo = readOnlySolo();
  t.deepEqual(connected(solo, 2), ['2: close, read-only']);
  t.deepEqual(connected(solo, 3, { readOnly: undefined }), ['3: close, read-only']);
  t.deepEqual(connected(solo, 4, { readOnly: true }), ['4: session 0100000a740b0000 for 6000']);
  const read = (path: string): number => answerTo(solo, 4, { op: 'exists', path, watch: true }).err;
  t.deepEqual([read('/kept'), read('/none')], [0, -101]);
  const writes = [
    create('/a'),
    { ...create('/a'), op: 'createContainer' },
    { op: 'delete', path: '/kept', version: -1 },
    { op: 'setData', path: '/kept', data: null, version: -1 },
    { op: 'setACL', path: '/kept', acl: [], version: -1 },
    { op: 'multi', parts: [] },
    { op: 'sync', path: '/' },
    { op: 'invalid', err: -5 },
    { op: 'reconfig', joining: null, leaving: null, members: null, version: null },
  ] as const;
  for (const request of writes) t.is(answerTo(solo, 4, request).err, -119, request.op);
  t.is(answerTo(solo, 4, { op: 'unknown', opcode: 999 }).err, -6);
});

test('without a quorum a global session is sent away unanswered, one that nobody knows is refused', (t) => {
  const solo = readOnlySolo();
  const [known, foreign] = ['0100000a740a0000', '0300000a740a0000'];
  const record = (session: string) => ({ session, password: sessionPassword(session), readOnly: true });
  t.deepEqual(connected(solo, 2, record(known)), ['2: close, read-only']);
  t.deepEqual(connected(solo, 3, record(foreign)), [
    '3: session 0000000000000000 for 0',
    '3: close, session not valid',
  ]);
  t.deepEqual(solo.asked, []);
});
