----------------------------- MODULE Discovery ------------------------------
(***************************************************************************)
(* Discovery: a server that leads gathers a quorum, fixes a new epoch, and *)
(* learns that nobody in the quorum is ahead. FOLLOWERINFO LEADERINFO      *)
(* ACKEPOCH, and the files of the epochs.                                  *)
(*                                                                         *)
(* Source:   Leader.getEpochToPropose and waitForEpochAck, Learner.        *)
(*           registerWithLeader in Apache ZooKeeper 3.9.                   *)
(* Mirror:   core/replication/discovery.ts, one exported function for each *)
(*           action.                                                       *)
(***************************************************************************)
EXTENDS Synchronization

-----------------------------------------------------------------------------
(* Discovery                                                               *)

Introduction(i) ==
    Packet(IF i \in Observer THEN "OBSERVERINFO" ELSE "FOLLOWERINFO", <<acceptedEpoch[i], 0>>)

Votes(l) == l \notin Observer

\* Server i is told who leads. A learner connects and introduces itself.
Elected(i, l) ==
    /\ Looking(i)
    /\ Votes(l)
    /\ Quiescent(i)
    /\ phase' = [phase EXCEPT ![i] = "DISCOVERY"]
    /\ leader' = [leader EXCEPT ![i] = l]
    \* A server alone is a quorum at once.
    /\ IF l = i /\ IsQuorum({i})
         THEN /\ newEpoch' = [newEpoch EXCEPT ![i] = acceptedEpoch[i] + 1]
              /\ SaveEpoch(i, "accepted", acceptedEpoch[i] + 1, currentEpoch[i])
         ELSE UNCHANGED <<newEpoch, epochVars>>
    /\ net' = IF l = i THEN net
              ELSE [net EXCEPT ![i][l] = <<Introduction(i)>>, ![l][i] = <<>>]
    \* With ZOOKEEPER-4837 whoever begins to lead applies all that it has logged.
    /\ delivered' = [delivered EXCEPT ![i] = IF l = i /\ "ZOOKEEPER-4837" \in Bugs THEN log[i] ELSE @]
    /\ UNCHANGED <<log, synced, base, learners, sync>>

\* Leader l hears from learner i. A quorum fixes the epoch: one above all that were heard of.
Introduced(l, i) ==
    LET ls     == [learners[l] EXCEPT ![i] = [stage |-> "info", zxid |-> Head(net[i][l]).zxid]]
        infos  == {j \in Server : ls[j].stage = "info"}
        e      == 1 + Max({acceptedEpoch[l]} \cup {ls[j].zxid[1] : j \in infos})
        known  == newEpoch[l] # 0 /\ saving[l] # "accepted"
        rest   == Received(net, i, l)
        \* A promise above the leader's epoch is remembered: see PromisedAbove.
        zxid   == IF Head(net[i][l]).zxid[1] > newEpoch[l] THEN Head(net[i][l]).zxid ELSE Kept(l, i)
    IN  /\ Leading(l)
        /\ learners' = [learners EXCEPT ![l] =
              IF known THEN [ls EXCEPT ![i] = [stage |-> "epoch", zxid |-> zxid]] ELSE ls]
        /\ net' = IF known /\ ~Ended(rest[i][l])
                    THEN [rest EXCEPT ![l][i] = Append(@, Packet("LEADERINFO", <<newEpoch[l], 0>>))]
                    ELSE rest
        /\ IF newEpoch[l] = 0 /\ IsQuorum(infos \cup {l})
             THEN /\ newEpoch' = [newEpoch EXCEPT ![l] = e]
                  /\ SaveEpoch(l, "accepted", e, currentEpoch[l])
             ELSE UNCHANGED <<newEpoch, epochVars>>
        /\ UNCHANGED <<phase, leader, log, synced, base, delivered, sync>>

HandleFollowerInfo(l, i) ==
    /\ HeadIs(i, l, "FOLLOWERINFO")
    /\ FromVoter(i)
    /\ Introduced(l, i)

AckEpoch(i, epoch) == [type |-> "ACKEPOCH", zxid |-> LastZxid(i), epoch |-> epoch]

\* Follower i is told the new epoch. It promises a higher one durably, and leaves a leader whose epoch is too low.
HandleLeaderInfo(i, l) ==
    LET e    == Head(net[l][i]).zxid[1]
        rest == Received(net, l, i)
    IN  /\ FromLeader(i, l)
        /\ HeadIs(l, i, "LEADERINFO")
        /\ phase[i] = "DISCOVERY" /\ saving[i] = "none"
        /\ IF e < acceptedEpoch[i]
             THEN /\ Left({i})
                  /\ net' = Closed(net, i)
                  /\ UNCHANGED <<epochVars, learners>>
             ELSE /\ IF e > acceptedEpoch[i]
                       THEN /\ SaveEpoch(i, "accepted", e, currentEpoch[i])
                            /\ net' = rest
                            /\ UNCHANGED phase
                       \* Promised before: the answer -1 does not count again.
                       ELSE /\ net' = Sent(rest, i, l, <<AckEpoch(i, -1)>>)
                            /\ phase' = [phase EXCEPT ![i] = "SYNCHRONIZATION"]
                            /\ UNCHANGED epochVars
                  /\ UNCHANGED <<leader, newEpoch, learners, sync>>
        /\ UNCHANGED <<log, synced, base, delivered>>

\* Learner i has promised the epoch. One that is ahead of the leader is sent away; a quorum ends discovery.
HandleAckEpoch(l, i) ==
    LET m     == Head(net[i][l])
        rest  == Received(net, i, l)
        open  == phase[l] = "DISCOVERY" /\ saving[l] = "none"  \* the quorum is not complete yet
        stage == IF m.epoch = -1 THEN "waiting" ELSE "ackepoch"
        ls    == [learners[l] EXCEPT ![i] = [stage |-> stage, zxid |-> m.zxid]]
        acks  == {l} \cup {j \in Server : ls[j].stage = "ackepoch"}
    IN  /\ Leading(l)
        /\ HeadIs(i, l, "ACKEPOCH")
        /\ learners[l][i].stage = "epoch"
        /\ IF phase[l] # "DISCOVERY"
             THEN /\ learners' = [learners EXCEPT ![l][i] = [stage |-> "syncing", zxid |-> Kept(l, i)]]
                  /\ net' = Sent(rest, l, i, SyncPackets(l, i, m.zxid))
                  /\ UNCHANGED epochVars
             ELSE IF open /\ m.epoch # -1 /\ Newer(m.epoch, m.zxid, currentEpoch[l], LastZxid(l))
             THEN /\ learners' = [learners EXCEPT ![l][i] = NoLearner]
                  /\ net' = ClosedOne(net, l, i)
                  /\ UNCHANGED epochVars
             ELSE /\ learners' = [learners EXCEPT ![l] = ls]
                  /\ net' = rest
                  /\ IF open /\ IsQuorum(acks)
                       THEN SaveEpoch(l, "current", acceptedEpoch[l], newEpoch[l])
                       ELSE UNCHANGED epochVars
        /\ UNCHANGED <<phase, leader, log, synced, base, delivered, newEpoch, sync>>

\* The disk of server i has its epoch files: only now does i say so.
EpochSaved(i) == IF "ZOOKEEPER-4643" \in Bugs /\ Following(i) /\ saving[i] = "current" THEN LogAfterEpoch(i) ELSE
    LET l    == leader[i]
        acks == {j \in Server : learners[i][j].stage \in {"ackepoch", "waiting"}}
        info == {j \in Server : learners[i][j].stage = "info"}
    IN  /\ Saving(i, {"accepted", "current"})
        /\ epochFile[i] = <<acceptedEpoch[i], currentEpoch[i]>>
        /\ IF Leading(i) /\ saving[i] = "accepted" /\ IsQuorum({i})
             THEN SaveEpoch(i, "current", acceptedEpoch[i], newEpoch[i])
             ELSE /\ saving' = [saving EXCEPT ![i] = "none"]
                  /\ UNCHANGED <<acceptedEpoch, currentEpoch, epochFile>>
        /\ IF Leading(i) /\ saving[i] = "accepted"
             THEN /\ learners' = [learners EXCEPT ![i] = [j \in Server |->
                        IF j \in info THEN [stage |-> "epoch", zxid |-> ZeroZxid] ELSE @[j]]]
                  /\ net' = SentToAll(net, i, LAMBDA j :
                        IF j \in info THEN <<Packet("LEADERINFO", <<newEpoch[i], 0>>)>> ELSE <<>>)
                  /\ UNCHANGED <<phase, sync>>
             ELSE IF Leading(i)
             THEN /\ phase' = [phase EXCEPT ![i] = IF IsQuorum({i}) THEN "BROADCAST" ELSE "SYNCHRONIZATION"]
                  /\ learners' = [learners EXCEPT ![i] = [j \in Server |->
                        IF j \in acks THEN [stage |-> "syncing", zxid |-> ZeroZxid] ELSE @[j]]]
                  /\ net' = SentToAll(net, i, LAMBDA j :
                        IF j \in acks THEN SyncPackets(i, j, learners[i][j].zxid) ELSE <<>>)
                  /\ UNCHANGED sync
             ELSE IF Following(i) /\ saving[i] = "accepted"
             THEN /\ phase' = [phase EXCEPT ![i] = "SYNCHRONIZATION"]
                  /\ net' = Sent(net, i, l, <<AckEpoch(i, currentEpoch[i])>>)
                  /\ UNCHANGED <<learners, sync>>
             ELSE IF Following(i) /\ "ZOOKEEPER-4785" \in Bugs /\ synced[i] < Len(log[i])
             THEN UNCHANGED <<phase, learners, sync, net>>  \* the log is still being written
             ELSE IF Following(i)
             THEN /\ sync' = [sync EXCEPT ![i].stage = "acked"]
                  /\ net' = Sent(net, i, l, <<Packet("ACK", <<currentEpoch[i], 0>>)>>)
                  /\ UNCHANGED <<phase, learners>>
             ELSE UNCHANGED <<phase, learners, sync, net>>  \* it has left the role meanwhile
        /\ delivered' = IF Leading(i) /\ saving[i] = "current" /\ IsQuorum({i})
                          THEN [delivered EXCEPT ![i] = log[i]] ELSE delivered
        /\ UNCHANGED <<leader, log, synced, base, newEpoch>>
=============================================================================
