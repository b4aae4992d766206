/** Servers in the situations that tests of core/membership.ts begin with. */
import type { ServerId } from '../../core/data/quorum.js';
import type { Zxid } from '../../core/data/zxid.js';
import { zeroZxid } from '../../core/data/zxid.js';
import { follow, lead, membershipStep, restart } from '../../core/membership.js';
import type { Config } from '../../core/membershipRules.js';
import { emptyDisk } from '../../core/membershipState.js';
import type {
  Elector,
  Entry,
  MembershipEffect,
  MembershipEvent,
  MembershipPacket,
  MembershipState,
  MembershipStep,
} from '../../core/membershipState.js';

export const zxid = (epoch: number, counter: number): Zxid => ({ epoch, counter });

export const configOf = (
  voters: readonly ServerId[],
  observers: readonly ServerId[] = [],
  version = zeroZxid,
): Config => ({
  version,
  voters,
  observers,
  groups: null,
});

export type Taken = { readonly state: MembershipState; readonly effects: readonly MembershipEffect[] };

export const taken = (step: MembershipStep): Taken => {
  if ('refused' in step) throw new Error(`refused by ${step.refused}`);
  return step;
};

export const fresh = (self: ServerId, config: Config): MembershipState => restart(self, 2, emptyDisk(config));

export const elector = (server: ServerId, acceptedEpoch = 0, currentEpoch = 0, last = zeroZxid): Elector => ({
  server,
  acceptedEpoch,
  currentEpoch,
  zxid: last,
});

export const given = (state: MembershipState, ...events: readonly MembershipEvent[]): Taken =>
  events.reduce<Taken>((s, e) => taken(membershipStep(s.state, e)), { state, effects: [] });

export const from = (sender: ServerId, packet: MembershipPacket): MembershipEvent => ({
  type: 'Packet',
  from: sender,
  packet,
});
export const send = (to: ServerId, packet: MembershipPacket): MembershipEffect => ({ type: 'Send', to, packet });
export const acked = (sender: ServerId, z: Zxid): MembershipEvent => from(sender, { type: 'ACK', zxid: z });
export const leave = (...leaving: readonly ServerId[]): MembershipEvent => ({
  type: 'ProposeReconfig',
  request: { from: null, change: { type: 'incremental', joining: [], leaving } },
});
export const join = (server: ServerId, role: 'voter' | 'observer' = 'voter'): MembershipEvent => ({
  type: 'ProposeReconfig',
  request: { from: null, change: { type: 'incremental', joining: [{ server, role }], leaving: [] } },
});

export const three = configOf([1, 2, 3]);

/** Server 3 leads epoch 1 of a configuration, established by learners that have joined in this order. */
export const leading = (config: Config, ...learners: readonly ServerId[]): MembershipState =>
  given(
    taken(
      lead(
        fresh(3, config),
        config.voters.map((id) => elector(id)),
      ),
    ).state,
    ...learners.flatMap((i) => [
      from(i, { type: config.observers.includes(i) ? 'OBSERVERINFO' : 'FOLLOWERINFO' }),
      acked(i, zxid(1, 0)),
    ]),
  ).state;

/** A learner that has taken an empty history over from leader 3, and serves. */
export const serving = (self: ServerId, config: Config): MembershipState =>
  given(
    taken(follow(fresh(self, config), 3, 1)).state,
    from(3, { type: 'NEWLEADER', history: [], config }),
    from(3, { type: 'UPTODATE' }),
  ).state;

export const txn = (counter: number): Entry => ({ zxid: zxid(1, counter), config: null });
export const reconfig = (counter: number, voters: readonly ServerId[], observers: readonly ServerId[] = []): Entry => ({
  zxid: zxid(1, counter),
  config: configOf(voters, observers, zxid(1, counter)),
});
export const activate = (counter: number, designated: ServerId): MembershipEvent =>
  from(3, { type: 'COMMITANDACTIVATE', zxid: zxid(1, counter), designated });
