/** DIGEST-MD5 against recorded exchanges, its packets between servers, and the files that name its users. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import fc from 'fast-check';
import { loginIn, parseJaas, usersIn } from '../../../shell/jaas.js';
import {
  answerChallenge,
  clientRealm,
  parseDirectives,
  quorumRealm,
  startServerExchange,
} from '../../../shell/net/digestMd5.js';
import type { ServerStep } from '../../../shell/net/digestMd5.js';
import { startSaslClients } from '../../../shell/net/saslClients.js';
import { askProof, giveProof } from '../../../shell/net/saslQuorum.js';
import type { ProofStep, QuorumSasl } from '../../../shell/net/saslQuorum.js';
import { beginsWithAuth, decodeAuthPacket, encodeAuthPacket } from '../../../wire/quorumAuth.js';

type Frame = {
  readonly name: string;
  readonly hex: string;
  readonly decoded: { readonly body?: { readonly token?: { readonly hex: string } | null } };
};

const tokenIn = (token: { readonly hex: string } | null): Buffer | null =>
  token === null ? null : Buffer.from(token.hex, 'hex');

const recordedTokens = (file: string): readonly (Buffer | null)[] => {
  const url = new URL(`../../../../test/vectors/client/${file}.json`, import.meta.url);
  const { frames } = JSON.parse(readFileSync(url, 'utf8')) as { readonly frames: readonly Frame[] };
  return frames.filter((f) => f.name.startsWith('sasl.')).map(({ decoded }) => tokenIn(decoded.body?.token ?? null));
};

const empty = Buffer.alloc(0);
const passwords = new Map([['bob', 'bobsecret'], ['super', 'adminsecret']]); // prettier-ignore
const tokenOf = (step: ServerStep): string => (step.type === 'failed' ? step.reason : step.token.toString());
const nonceIn = (challenge: Buffer | null | undefined): string =>
  parseDirectives(challenge ?? empty)?.get('nonce') ?? '';

test('the exchange of a Java client with Apache: the same challenge, the same proof', (t) => {
  const [first, challenge, response, proof] = recordedTokens('sasl-digest-md5');
  const exchange = startServerExchange(clientRealm, passwords, nonceIn(challenge), () => true);
  t.is(tokenOf(exchange(first ?? empty)), String(challenge));
  const last = exchange(response ?? empty);
  t.is(tokenOf(last), String(proof));
  t.like(last, { type: 'proved', user: 'bob' });
  t.is(exchange(response ?? empty).type, 'failed', 'it is over');
});

test('the exchange of a Java client with a wrong password fails', (t) => {
  const [first, challenge, response] = recordedTokens('sasl-digest-md5-failure');
  const exchange = startServerExchange(clientRealm, passwords, nonceIn(challenge), () => true);
  exchange(first ?? empty);
  t.like(exchange(response ?? empty), { type: 'failed', reason: 'user "bob": wrong name or password' });
});

test('each part of a response counts', (t) => {
  const answered = (change: (text: string) => string): ServerStep => {
    const exchange = startServerExchange(clientRealm, passwords, 'N');
    const challenge = exchange(empty);
    if (challenge.type !== 'challenge') return challenge;
    const answer = answerChallenge(challenge.token, clientRealm, 'bob', 'bobsecret', 'C');
    return E.isLeft(answer) ? { type: 'failed', reason: answer.left } : exchange(Buffer.from(change(answer.right.token.toString()))); // prettier-ignore
  };
  t.is(answered((text) => text).type, 'proved');
  t.is(answered((text) => text.replace(',qop=auth', '')).type, 'proved', 'auth is the default');
  for (const [from, to, reason] of [
    ['username="bob"', 'username="super"', 'wrong name'],
    ['username="bob"', 'username="eve"', 'wrong name'],
    ['nonce="N"', 'nonce="M"', 'nonce is not the one'],
    ['nc=00000001', 'nc=00000002', 'used before'],
    ['qop=auth', 'qop=auth-int', 'was not offered'],
    ['realm="zk-sasl-md5"', 'realm="other"', 'realm other is not'],
    ['digest-uri="zookeeper/', 'digest-uri="zookeeper-quorum/', 'digest-uri'],
    ['cnonce="C"', 'cnonce=""', 'no nonce of its own'],
    ['cnonce="C"', 'cnonce="D"', 'wrong name'],
    ['authzid="bob"', 'authzid="super"', 'wrong name'],
    [/response=./, 'response=g', 'wrong name'],
    ['charset=utf-8', 'qop=auth', 'cannot be read'],
    [/$/, ',"', 'cannot be read'],
  ] as const) {
    const step = answered((text) => text.replace(from, to));
    t.like(step, { type: 'failed' }, String(from));
    t.true(tokenOf(step).includes(reason), `${String(from)}: ${tokenOf(step)}`);
  }
});

test('an unknown user is not let in by what stands for his password', (t) => {
  const exchange = startServerExchange(clientRealm, passwords, 'N');
  const challenge = exchange(empty);
  if (challenge.type !== 'challenge') return t.fail(challenge.type);
  const answer = answerChallenge(challenge.token, clientRealm, 'eve', 'N', 'C');
  if (E.isLeft(answer)) return t.fail(answer.left);
  t.like(exchange(answer.right.token), { type: 'failed', reason: 'user "eve": wrong name or password' });
});

test('names with quotes, commas and other alphabets are proved as they are', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (user, password) => {
      const exchange = startServerExchange(quorumRealm, new Map([[user, password]]), 'n"o,n');
      const challenge = exchange(empty);
      if (challenge.type !== 'challenge') return false;
      const answer = answerChallenge(challenge.token, quorumRealm, user, password, 'c');
      if (E.isLeft(answer)) return false;
      const last = exchange(answer.right.token);
      return (
        last.type === 'proved' &&
        last.user === user &&
        answer.right.isServer(last.token) &&
        !answer.right.isServer(empty)
      );
    }),
  );
  t.pass();
});

test('a user who proves another name to act as is taken for himself; between servers that is refused', (t) => {
  const respond = (challenge: ServerStep): Buffer => {
    if (challenge.type !== 'challenge') return empty;
    const answer = answerChallenge(challenge.token, quorumRealm, 'bob', 'bobsecret', 'C');
    return E.isLeft(answer) ? empty : answer.right.token;
  };
  const exchange = startServerExchange(quorumRealm, passwords, 'N', () => false);
  t.like(exchange(respond(exchange(empty))), { type: 'failed', reason: 'user "bob" may not act as "bob"' });
});

test('tokens of any bytes fail, and nothing is thrown', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const exchange = startServerExchange(clientRealm, passwords, 'N');
      exchange(Buffer.from(bytes));
      return (
        exchange(Buffer.from(bytes)).type === 'failed' &&
        E.isLeft(answerChallenge(Buffer.from(bytes), clientRealm, 'u', 'p', 'c'))
      );
    }),
  );
  const exchange = startServerExchange(clientRealm, passwords, 'N');
  exchange(empty);
  t.regex(tokenOf(exchange(Buffer.alloc(5000, 97))), /a token of 5000 bytes/);
});

test('clients: one exchange a connection', (t) => {
  const lines: string[] = [];
  const sasl = startSaslClients(passwords, (_, line) => lines.push(line));
  const prove = (conn: number, password: string): unknown => {
    const { token } = sasl.answer(conn, null);
    const answer = answerChallenge(Buffer.from(token ?? []), clientRealm, 'bob', password, 'C');
    return E.isLeft(answer) ? answer.left : sasl.answer(conn, answer.right.token);
  };
  t.like(prove(1, 'bobsecret'), { user: 'bob', failed: false });
  t.deepEqual(prove(2, 'wrong'), { token: null, user: null, failed: true });
  t.deepEqual(lines, ['client connection 2: SASL: user "bob": wrong name or password']);
  t.is(sasl.answer(1, null).failed, true, 'it is over');
  sasl.forget(1);
  t.like(prove(1, 'bobsecret'), { user: 'bob' });
});

const quorumSasl: QuorumSasl = {
  login: { user: 'zk', password: 'p' },
  passwords: new Map([['zk', 'p']]),
  required: true,
};

/** Lets two ends talk until neither has anything to say; each chunk goes in pieces of `size`. */
const talk = (
  asks: QuorumSasl,
  gives: { readonly user: string; readonly password: string },
  size = 1 << 20,
  behind: Buffer = empty,
): { readonly asked: ProofStep; readonly given: ProofStep } => {
  const server = askProof(asks);
  const client = giveProof(gives);
  let asked: ProofStep = { state: 'more', say: null };
  let given: ProofStep = { state: 'more', say: null };
  const feed = (proof: typeof server, bytes: Buffer): ProofStep => {
    let step: ProofStep = { state: 'more', say: null };
    let said = empty as Buffer;
    for (let at = 0; at < bytes.length && step.state === 'more'; at += size) {
      step = proof(bytes.subarray(at, at + size));
      if (step.say !== null) said = Buffer.concat([said, step.say]);
    }
    return { ...step, say: said };
  };
  for (let toServer: Buffer | null = client.first; toServer !== null && toServer.length > 0;) {
    asked = feed(server, toServer);
    const toClient: Buffer = Buffer.concat([asked.say ?? empty, asked.state === 'passed' ? behind : empty]);
    if (toClient.length === 0) break;
    given = feed(client.proof, toClient);
    toServer = given.say;
  }
  return { asked, given };
};

test('servers: the right password passes at both ends, in chunks of any size; what comes behind is kept', (t) => {
  for (const size of [1, 3, 16, 100, 1 << 20]) {
    const { asked, given } = talk(quorumSasl, { user: 'zk', password: 'p' }, size);
    t.like(asked, { state: 'passed', user: 'zk', rest: empty });
    t.like(given, { state: 'passed' });
  }
  t.like(talk(quorumSasl, { user: 'zk', password: 'p' }, 1 << 20, Buffer.from('more')).given, { rest: Buffer.from('more') }); // prettier-ignore
});

test('servers: a wrong password, an unknown user and a server that does not know the password fail', (t) => {
  for (const login of [
    { user: 'zk', password: 'x' },
    { user: 'eve', password: 'p' },
  ]) {
    const { asked, given } = talk(quorumSasl, login);
    t.like(asked, { state: 'failed', reason: `SASL: user "${login.user}": wrong name or password` });
    t.like(given, { state: 'failed', reason: `SASL: it does not take user "${login.user}" with this password` });
  }
  const { first, proof } = giveProof({ user: 'zk', password: 'p' });
  t.is(decodeAuthPacket(first).type, 'packet');
  const challenge = 'realm="r",nonce="n",charset=utf-8,algorithm=md5-sess';
  t.is(proof(encodeAuthPacket({ status: 'in progress', token: Buffer.from(challenge) })).state, 'more');
  const forged = encodeAuthPacket({ status: 'success', token: Buffer.from(`rspauth=${'0'.repeat(32)}`) });
  t.like(proof(forged), { state: 'failed', reason: 'SASL: it cannot prove that it knows the password itself' });
  const early = giveProof({ user: 'zk', password: 'p' }).proof;
  t.is(early(encodeAuthPacket({ status: 'success', token: null })).state, 'failed', 'success before any proof');
});

test('servers: who proves nothing passes as nobody where that is allowed', (t) => {
  const begins = Buffer.from('00000000', 'hex');
  t.like(askProof(quorumSasl)(begins), { state: 'failed' });
  t.like(askProof({ ...quorumSasl, required: false })(begins), { state: 'passed', user: null, rest: begins });
  t.like(askProof({ ...quorumSasl, required: false })(Buffer.from('5f24', 'hex')), { state: 'more' });
  t.like(askProof(quorumSasl)(Buffer.from('5f2435013501edcc0000000000ffffff', 'hex')), { state: 'failed' });
});

test('packets: recorded ones are decoded and encoded to the same bytes; cut ones want more', (t) => {
  const url = new URL('../../../../test/vectors/quorum/25-sasl-digest.json', import.meta.url);
  const recorded = JSON.parse(readFileSync(url, 'utf8')) as {
    readonly connections: readonly {
      readonly messages: readonly {
        readonly hex: string;
        readonly fields: { readonly kind: string; readonly status: number };
      }[];
    }[];
  };
  const packets = recorded.connections.flatMap((c) => c.messages).filter((m) => m.fields.kind === 'saslAuth');
  t.true(packets.length >= 20);
  for (const { hex, fields } of packets) {
    const bytes = Buffer.from(hex, 'hex');
    const read = decodeAuthPacket(bytes);
    if (read.type !== 'packet') return t.fail(read.type);
    t.is(read.packet.status, ['error', 'in progress', 'success'][fields.status + 1] as 'error');
    t.is(encodeAuthPacket(read.packet).toString('hex'), hex);
    for (let cut = 0; cut < bytes.length; cut += 7) t.is(decodeAuthPacket(bytes.subarray(0, cut)).type, 'more');
  }
  t.is(beginsWithAuth(Buffer.from('5e', 'hex')), 'no');
  t.is(decodeAuthPacket(encodeAuthPacket({ status: 'error', token: null })).type, 'packet');
  t.like(decodeAuthPacket(Buffer.from('5f2435013501edcc0000000700000000', 'hex')), {
    type: 'bad',
    error: { field: 'status' },
  });
  t.like(decodeAuthPacket(Buffer.from('5f2435013501edcc00000000fffffffe', 'hex')), {
    type: 'bad',
    error: { type: 'BadLength' },
  });
});

const file = `// users of clients
Server {
  org.apache.zookeeper.server.auth.DigestLoginModule required
  user_super="adminsecret" # the first
  user_bob="a \\"b\\" {c};=";
};
/* between
   servers */
QuorumLearner { org.apache.zookeeper.server.auth.DigestLoginModule required username="zk" password="p"; };
Kerberos { com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true keyTab="/k"; };
Empty { };
`;

test('JAAS files: sections, users, logins', (t) => {
  const jaas = parseJaas(file);
  if (E.isLeft(jaas)) return t.fail(jaas.left);
  t.deepEqual([...jaas.right.keys()], ['Server', 'QuorumLearner', 'Kerberos', 'Empty']);
  t.deepEqual(usersIn(jaas.right, 'Server'), E.right(new Map([['super', 'adminsecret'], ['bob', 'a "b" {c};=']]))); // prettier-ignore
  t.deepEqual(loginIn(jaas.right, 'QuorumLearner'), E.right({ user: 'zk', password: 'p' }));
  t.deepEqual(usersIn(jaas.right, 'Client'), E.left('there is no section Client'));
  t.deepEqual(usersIn(jaas.right, 'Empty'), E.left('there is no section Empty'));
  t.deepEqual(usersIn(jaas.right, 'QuorumLearner'), E.left('section QuorumLearner has no user_NAME="password"'));
  t.deepEqual(loginIn(jaas.right, 'Server'), E.left('section Server has no username and password'));
  for (const read of [usersIn, loginIn])
    t.regex(JSON.stringify(read(jaas.right, 'Kerberos')), /section Kerberos asks for Kerberos, which is not supported/);
});

test('JAAS files: what is wrong is told with its line', (t) => {
  for (const [text, problem] of [
    ['Server {\n  M required user_a="x', 'line 2: a quotation does not end'],
    ['Server\nM', 'line 2: { is expected, found "M"'],
    ['Server {\n M required a b;\n};', 'line 2: = is expected, found "b"'],
    ['Server {\n M required a=;\n};', 'line 2: a value is expected, found ";"'],
    ['Server { M required a="b"; }', 'line 1: ; is expected, found the end'],
    ['{', 'line 1: the name of a section is expected, found "{"'],
    ['S { M required', 'line 1: an option or ; is expected, found the end'],
    ['S { "M" ; };', 'line 1: required, requisite, sufficient or optional is expected, found ";"'],
  ] as const)
    t.deepEqual(parseJaas(text), E.left(problem));
});
