----------------------------- MODULE Broadcast ------------------------------
(***************************************************************************)
(* Broadcast: the leader numbers transactions, a quorum logs them,         *)
(* everybody applies them in order. PROPOSAL ACK COMMIT; connections that  *)
(* end, leaders that give up.                                              *)
(*                                                                         *)
(* Source:   Leader.propose, processAck, tryToCommit, Follower in Apache   *)
(*           ZooKeeper 3.9.                                                *)
(* Mirror:   core/replication/broadcast.ts, one exported function for each *)
(*           action.                                                       *)
(***************************************************************************)
EXTENDS ReplicationState

-----------------------------------------------------------------------------
(* Broadcast                                                               *)

\* A learner hears of every proposal that its synchronisation did not bring. With ZOOKEEPER-962 what comes between the
\* two is lost.
Forwarding(ls) ==
    {j \in Server : ls[j].stage \in IF "ZOOKEEPER-962" \in Bugs THEN {"synced"} ELSE {"syncing", "synced"}}

\* How much of log s leader l may count as committed when learners ls have acknowledged and its own disk has own.
CommittedLength(l, s, ls, own) ==
    LET counts(j) == ls[j].stage = "synced" \/ "StickyAck" \in Bugs
        acked(n) == {j \in Server : counts(j) /\ ~Below(ls[j].zxid, s[n])}
                    \cup (IF own >= n THEN {l} ELSE {})
    IN  Max({Len(delivered[l])} \cup
            {n \in Len(delivered[l]) + 1 .. Len(s) : \A k \in Len(delivered[l]) + 1 .. n : IsQuorum(acked(k))})

\* Leader l commits and applies what CommittedLength allows, and tells everybody.
Commit(l, ls, own, n) ==
    LET to == CommittedLength(l, log[l], ls, own)
        commits(type) == [k \in 1..(to - Len(delivered[l])) |-> Packet(type, log[l][Len(delivered[l]) + k])]
    IN  /\ delivered' = [delivered EXCEPT ![l] = Prefix(log[l], to)]
        /\ net' = SentToAll(n, l, LAMBDA j :
              IF j \notin Forwarding(ls) THEN <<>>
              ELSE commits(IF j \in Observer THEN "INFORM" ELSE "COMMIT"))

\* The zxid of leader l's next transaction.
NextZxid(l) == <<newEpoch[l], IF LastOf(log[l])[1] = newEpoch[l] THEN LastOf(log[l])[2] + 1 ELSE 1>>

CounterUsedUp(l) == NextZxid(l)[2] > MaxCounter

\* A client's write reaches leader l: it gets a zxid, is appended, and goes to every follower.
Propose(l) ==
    LET z == NextZxid(l)
    IN  /\ Leading(l) /\ Serving(l)
        /\ ~CounterUsedUp(l)
        /\ log' = [log EXCEPT ![l] = Append(@, z)]
        /\ net' = SentToAll(net, l, LAMBDA j :
              IF j \in Forwarding(learners[l]) \ Observer THEN <<Packet("PROPOSAL", z)>> ELSE <<>>)
        /\ UNCHANGED <<phase, leader, epochVars, synced, base, delivered, newEpoch, learners, sync>>

\* Follower i gets a proposal: to be logged at once when it serves, after UPTODATE otherwise.
HandleProposal(i, l) ==
    LET z == Head(net[l][i]).zxid
    IN  /\ FromLeader(i, l)
        /\ HeadIs(l, i, "PROPOSAL")
        /\ \/ phase[i] = "BROADCAST"
           \/ phase[i] = "SYNCHRONIZATION" /\ sync[i].mode # "none"
        /\ IF phase[i] = "BROADCAST"
             THEN log' = [log EXCEPT ![i] = Append(@, z)] /\ UNCHANGED sync
             ELSE sync' = [sync EXCEPT ![i].pending = Append(@, z)] /\ UNCHANGED log
        /\ net' = Received(net, l, i)
        /\ UNCHANGED <<phase, leader, epochVars, synced, base, delivered, newEpoch, learners>>

Unsynced(i, k) == k > 0 /\ synced[i] + k <= Len(log[i])

\* The disk of server i has k more entries: a follower acknowledges each, a leader counts itself, an observer is silent.
LogSynced(i, k) ==
    LET n     == synced[i] + k
        y     == sync[i]
        acks  == [m \in 1..k |-> Packet("ACK", log[i][synced[i] + m])]
        ready == y.stage = "logging" /\ saving[i] = "none" /\ n = Len(log[i])
        e     == acceptedEpoch[i]
    IN  /\ Unsynced(i, k)
        /\ synced' = [synced EXCEPT ![i] = n]
        /\ IF Leading(i) /\ phase[i] = "BROADCAST"
             THEN /\ Commit(i, learners[i], n, net)
                  /\ UNCHANGED <<epochVars, sync>>
             ELSE IF Following(i) /\ phase[i] = "BROADCAST"
             THEN /\ net' = IF i \in Observer THEN net ELSE Sent(net, i, leader[i], acks)
                  /\ UNCHANGED <<epochVars, delivered, sync>>
             ELSE IF Following(i) /\ "ZOOKEEPER-4685" \in Bugs
             THEN /\ net' = Sent(net, i, leader[i], acks)
                  /\ UNCHANGED <<epochVars, delivered, sync>>
             ELSE IF Following(i) /\ ready
             THEN /\ IF currentEpoch[i] = e
                       THEN /\ sync' = [sync EXCEPT ![i].stage = "acked"]
                            /\ net' = Sent(net, i, leader[i], <<Packet("ACK", <<e, 0>>)>>)
                            /\ UNCHANGED epochVars
                       ELSE /\ SaveEpoch(i, "current", e, e)
                            /\ UNCHANGED <<sync, net>>
                  /\ UNCHANGED delivered
             ELSE UNCHANGED <<epochVars, delivered, sync, net>>
        /\ UNCHANGED <<phase, leader, log, base, newEpoch, learners>>

\* Learner i acknowledges NEWLEADER, UPTODATE (of no consequence) or a proposal.
HandleAck(l, i) ==
    LET z      == Head(net[i][l]).zxid
        stage  == learners[l][i].stage
        known  == learners[l][i].zxid
        \* The leader took an earlier ACK for that of NEWLEADER, and does not count this learner any more.
        missed == "ZOOKEEPER-4685" \in Bugs /\ stage = "syncing" /\ (z[2] # 0 \/ known # ZeroZxid)
        first  == stage = "syncing" /\ z = <<newEpoch[l], 0>> /\ ~missed
        ls     == [learners[l] EXCEPT ![i] =
                     [stage |-> IF missed THEN "syncing" ELSE "synced",
                      zxid |-> IF z[2] = 0 \/ Below(z, known) THEN known ELSE z]]
        acks   == {l} \cup {j \in Server : ls[j].stage = "synced"}
        rest   == Received(net, i, l)
    IN  /\ Leading(l)
        /\ HeadIs(i, l, "ACK")
        /\ first \/ stage = "synced" \/ missed
        /\ learners' = [learners EXCEPT ![l] = ls]
        /\ IF first /\ phase[l] = "SYNCHRONIZATION" /\ IsQuorum(acks)
             \* The leader is established: all that it has is committed.
             THEN /\ phase' = [phase EXCEPT ![l] = "BROADCAST"]
                  /\ delivered' = [delivered EXCEPT ![l] = log[l]]
                  /\ net' = SentToAll(rest, l, LAMBDA j :
                        IF j \in acks THEN <<Packet("UPTODATE", ZeroZxid)>> ELSE <<>>)
             ELSE IF first
             THEN /\ net' = IF phase[l] = "BROADCAST"
                              THEN Sent(rest, l, i, <<Packet("UPTODATE", ZeroZxid)>>)
                              ELSE rest
                  /\ UNCHANGED <<phase, delivered>>
             ELSE /\ Commit(l, ls, synced[l], rest)
                  /\ UNCHANGED phase
        /\ UNCHANGED <<leader, epochVars, log, synced, base, newEpoch, sync>>

NextCommitted(s, n, z) == n <= Len(s) /\ s[n] = z

\* Follower i is told that its next transaction is committed.
HandleCommit(i, l) ==
    LET z == Head(net[l][i]).zxid
        y == sync[i]
        n == 1 + IF Bugs \cap {"ZOOKEEPER-3642", "ZOOKEEPER-4837"} # {} THEN UpTo(log[i], LastOf(delivered[i])) ELSE Len(delivered[i])
    IN  /\ FromLeader(i, l)
        /\ HeadIs(l, i, "COMMIT")
        /\ IF phase[i] = "BROADCAST"
             THEN /\ NextCommitted(log[i], n, z)
                  /\ delivered' = [delivered EXCEPT ![i] = Applied(@, Prefix(log[i], n))]
                  /\ net' = Received(net, l, i)
                  /\ UNCHANGED <<phase, leader, newEpoch, sync>>
             \* The proposal is not in the list any more: the learner fails.
             ELSE IF "ZOOKEEPER-4394" \in Bugs /\ phase[i] = "SYNCHRONIZATION" /\ y.pending = <<>>
             THEN /\ Left({i})
                  /\ net' = Closed(net, i)
                  /\ UNCHANGED delivered
             ELSE /\ phase[i] = "SYNCHRONIZATION"
                  /\ NextCommitted(y.pending, y.commits + 1, z)
                  /\ sync' = [sync EXCEPT ![i].commits = @ + 1]
                  /\ net' = Received(net, l, i)
                  /\ UNCHANGED <<phase, leader, newEpoch, delivered>>
        /\ UNCHANGED <<epochVars, log, synced, base, learners>>

-----------------------------------------------------------------------------
(* Connections that end, leaders without a quorum                          *)

\* Server i has a connection with j.
Peer(i, j) == IF Leading(i) THEN learners[i][j].stage # "none" ELSE leader[i] = j

\* Server i reads the end of its connection with j. A leader forgets j and what j acknowledged.
NoticeClose(i, j) ==
    /\ HeadIs(j, i, "EOF")
    /\ Peer(i, j)
    /\ IF Leading(i)
         THEN /\ learners' = [learners EXCEPT ![i][j] = Forgotten(i, j)]
              /\ net' = [net EXCEPT ![j][i] = <<>>]
              /\ UNCHANGED <<phase, leader, newEpoch, sync>>
         ELSE /\ Left({i})
              /\ net' = Closed(net, i)
              /\ UNCHANGED learners
    /\ UNCHANGED <<epochVars, log, synced, base, delivered>>

Counted(x) ==
    x.stage # "none" /\ IF "ZOOKEEPER-4685" \in Bugs THEN ~(x.stage = "syncing" /\ x.zxid # ZeroZxid) ELSE TRUE

QuorumMissing(l) == ~IsQuorum({l} \cup {i \in Server : Counted(learners[l][i])})

\* Leader l has waited long enough for a quorum that it does not have.
LeaderTimeout(l) ==
    /\ Leading(l)
    /\ QuorumMissing(l)
    /\ Left({l})
    /\ learners' = [learners EXCEPT ![l] = NoLearners]
    /\ net' = Closed(net, l)
    /\ UNCHANGED <<epochVars, log, synced, base, delivered>>

\* The highest epoch that a voter which stands before leader l has accepted from somebody who never came to lead.
Promised(l) == Max({0} \cup {learners[l][i].zxid[1] : i \in {j \in Server \ Observer : learners[l][j].stage = "epoch"}})

\* That voter refuses the epoch of leader l, now and whenever it comes again.
PromisedAbove(l) == Promised(l) > newEpoch[l]

EpochSpent(l) == CounterUsedUp(l) \/ PromisedAbove(l)

\* Only a new epoch goes on: leader l has given its last counter (ZOOKEEPER-1277), or its epoch is too low for a voter.
\* It accepts what that voter has accepted, so that no epoch which it takes part in is too low again.
Resign(l) ==
    /\ Leading(l) /\ Serving(l)
    /\ EpochSpent(l)
    /\ Left({l})
    /\ learners' = [learners EXCEPT ![l] = NoLearners]
    /\ net' = Closed(net, l)
    /\ IF PromisedAbove(l) /\ "ResignForgets" \notin Bugs
         THEN SaveEpoch(l, "accepted", Promised(l), currentEpoch[l])
         ELSE UNCHANGED epochVars
    /\ UNCHANGED <<log, synced, base, delivered>>
=============================================================================
