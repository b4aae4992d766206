/**
 * SASL between servers, on the quorum and the election port: who calls proves who it is before anything else is said.
 * Both ends take bytes and say bytes; the ports own the sockets.
 * @see SaslQuorumAuthServer and SaslQuorumAuthLearner in ZooKeeper
 */
import { randomBytes } from 'node:crypto';
import * as E from 'fp-ts/lib/Either.js';
import { explain } from '../../wire/error.js';
import { beginsWithAuth, decodeAuthPacket, encodeAuthPacket } from '../../wire/quorumAuth.js';
import type { AuthPacket } from '../../wire/quorumAuth.js';
import { answerChallenge, quorumRealm, startServerExchange } from './digestMd5.js';
import type { Passwords, ServerExchange } from './digestMd5.js';

export type QuorumSasl = {
  /** Who we are to others; null: we prove nothing (quorum.auth.learnerRequireSasl=false). */
  readonly login: { readonly user: string; readonly password: string } | null;
  /** Whom others may be. */
  readonly passwords: Passwords;
  /** Whether everybody must prove it (quorum.auth.serverRequireSasl). */
  readonly required: boolean;
};

/** What is to be said, and how the exchange stands; `rest` is what came behind it. */
export type ProofStep =
  | { readonly state: 'more'; readonly say: Buffer | null }
  | { readonly state: 'passed'; readonly say: Buffer | null; readonly rest: Buffer; readonly user: string | null }
  | { readonly state: 'failed'; readonly say: Buffer | null; readonly reason: string };

/** One end of an exchange: call it with what arrives, as it arrives. */
export type Proof = (chunk: Buffer) => ProofStep;

const empty = Buffer.alloc(0);

export const freshNonce = (): string => randomBytes(30).toString('base64');

type Turn = (packet: AuthPacket, rest: Buffer) => ProofStep | null;

/** Reads packets one by one; `turn` gives null when the next one is wanted and nothing is to be said. */
const reading = (turn: Turn, begins: (bytes: Buffer) => ProofStep | null): Proof => {
  let waiting: Buffer = empty;
  let begun = false;
  return (chunk) => {
    waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
    if (!begun) {
      const first = begins(waiting);
      if (first !== null) return first;
      begun = true;
    }
    let say: Buffer = empty;
    for (;;) {
      const read = decodeAuthPacket(waiting);
      if (read.type === 'more') return { state: 'more', say: say.length === 0 ? null : say };
      if (read.type === 'bad') return { state: 'failed', say: null, reason: `SASL: ${explain(read.error)}` };
      waiting = waiting.subarray(read.end);
      const step = turn(read.packet, waiting);
      const said = step?.say ?? null;
      if (said !== null) say = Buffer.concat([say, said]);
      if (step !== null && step.state !== 'more') return { ...step, say: say.length === 0 ? null : say };
      if (waiting.length === 0) return { state: 'more', say: say.length === 0 ? null : say };
    }
  };
};

/** The end that is called. Who does not begin with a proof passes as nobody, unless proofs are required. */
export const askProof = (sasl: QuorumSasl): Proof => {
  const exchange: ServerExchange = startServerExchange(quorumRealm, sasl.passwords, freshNonce());
  return reading(
    ({ token }, rest) => {
      const step = exchange(token ?? empty);
      switch (step.type) {
        case 'challenge':
          return { state: 'more', say: encodeAuthPacket({ status: 'in progress', token: step.token }) };
        case 'proved': {
          const say = encodeAuthPacket({ status: 'success', token: step.token });
          return { state: 'passed', say, rest, user: step.user };
        }
        case 'failed':
          return {
            state: 'failed',
            say: encodeAuthPacket({ status: 'error', token: empty }),
            reason: `SASL: ${step.reason}`,
          };
      }
    },
    (bytes) => {
      switch (beginsWithAuth(bytes)) {
        case 'more':
          return { state: 'more', say: null };
        case 'yes':
          return null;
        case 'no':
          return sasl.required
            ? { state: 'failed', say: null, reason: 'it does not prove who it is (quorum.auth.serverRequireSasl)' }
            : { state: 'passed', say: null, rest: bytes, user: null };
      }
    },
  );
};

/** The end that calls: `first` is said at once. */
export const giveProof = (
  login: NonNullable<QuorumSasl['login']>,
): { readonly first: Buffer; readonly proof: Proof } => {
  let isServer: ((answer: Buffer) => boolean) | null = null;
  const failed = (reason: string): ProofStep => ({ state: 'failed', say: null, reason: `SASL: ${reason}` });
  const proof = reading(
    ({ status, token }, rest) => {
      if (status === 'error') return failed(`it does not take user ${JSON.stringify(login.user)} with this password`);
      if (status === 'success')
        return isServer?.(token ?? empty) === true
          ? { state: 'passed', say: null, rest, user: login.user }
          : failed('it cannot prove that it knows the password itself');
      if (isServer !== null) return failed('it asks twice');
      const answer = answerChallenge(token ?? empty, quorumRealm, login.user, login.password, freshNonce());
      if (E.isLeft(answer)) return failed(answer.left);
      isServer = answer.right.isServer;
      return { state: 'more', say: encodeAuthPacket({ status: 'in progress', token: answer.right.token }) };
    },
    () => null,
  );
  return { first: encodeAuthPacket({ status: 'in progress', token: empty }), proof };
};
