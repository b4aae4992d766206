---------------------------- MODULE Replication ----------------------------
(***************************************************************************)
(* Discovery, synchronisation and broadcast as ZooKeeper's servers do them *)
(* on the quorum port: FOLLOWERINFO LEADERINFO ACKEPOCH, DIFF TRUNC SNAP,  *)
(* NEWLEADER ACK UPTODATE, PROPOSAL ACK COMMIT. Appending to the log, its  *)
(* fsync, the epoch files and the snapshot file are steps of their own.    *)
(*                                                                         *)
(* Source:   Leader, LearnerHandler, Learner in Apache ZooKeeper 3.9.      *)
(* Assumes:  of elections no more than ElectionContract (bounds in MC).    *)
(* Refines:  Zab.                                                          *)
(* Mirror:   core/replication/*.ts, one exported function for each action; *)
(*           the environment's (WriteEpochFile, Crash, Break) are          *)
(*           conformance/world/replication.ts.                             *)
(***************************************************************************)
EXTENDS Integers, FiniteSets, Sequences

CONSTANTS
    Server,      \* ids of the voting servers; positive naturals
    InitialLog,  \* transactions that every server has and knows committed at first
    EpochWrites, \* "step": writing an epoch file is a step; "eager": done when asked
    MaxCounter,  \* the last counter that a leader may give in its epoch
    LateNotice,  \* TRUE: each side notices a broken connection in a step of its own
    Bugs         \* historic bugs switched on, by their JIRA names

None == 0

ASSUME ServerAssumption == Server \subseteq Nat \ {None} /\ IsFiniteSet(Server)
ASSUME EpochWritesAssumption == EpochWrites \in {"step", "eager"}
ASSUME MaxCounterAssumption == MaxCounter \in Nat \ {0}
ASSUME LateNoticeAssumption == LateNotice \in BOOLEAN
ASSUME BugsAssumption == Bugs \subseteq {"ZOOKEEPER-2845", "ZOOKEEPER-4646"}

VARIABLES
    phase,         \* phase[i]: DOWN LOOKING DISCOVERY SYNCHRONIZATION BROADCAST
    leader,        \* leader[i]: whom i follows; i itself when it leads
    acceptedEpoch, \* acceptedEpoch[i]: the highest epoch that i has promised, as i knows it
    currentEpoch,  \* currentEpoch[i]: the epoch that i synchronised in last, as i knows it
    epochFile,     \* epochFile[i]: <<accepted, current>> as they are on disk
    saving,        \* saving[i]: what i has asked its disk to save: none accepted current snapshot
    log,           \* log[i]: zxids of the transactions on i's disk, snapshot included, oldest first
    synced,        \* synced[i]: how many of them an fsync has covered
    base,          \* base[i]: how many of them the newest snapshot holds
    delivered,     \* delivered[i]: what has been applied to i's tree, in order
    newEpoch,      \* newEpoch[l]: the epoch of leader l once it is fixed, 0 before
    learners,      \* learners[l][i]: what leader l knows of learner i
    sync,          \* sync[i]: where follower i stands in its synchronisation
    net            \* net[i][j]: packets from i to j on their connection, oldest first

serverVars == <<phase, leader, acceptedEpoch, currentEpoch, saving, newEpoch, learners, sync>>
diskVars   == <<epochFile, log, synced, base>>
vars       == <<serverVars, diskVars, delivered, net>>

-----------------------------------------------------------------------------
(* Data                                                                    *)

ZeroZxid == <<0, 0>>
Below(z, w) == z[1] < w[1] \/ (z[1] = w[1] /\ z[2] < w[2])
LastOf(s) == IF s = <<>> THEN ZeroZxid ELSE s[Len(s)]
Prefix(s, n) == SubSeq(s, 1, n)
IsPrefix(s, t) == Len(s) <= Len(t) /\ s = Prefix(t, Len(s))
Max(S) == CHOOSE n \in S : \A m \in S : m <= n
UpTo(s, z) == Max({0} \cup {k \in 1..Len(s) : ~Below(z, s[k])})  \* how many entries are at or below z
IsQuorum(S) == 2 * Cardinality(S) > Cardinality(Server)

\* What a server says of its history in votes and in ACKEPOCH: the last transaction that it has logged.
LastZxid(i) ==
    IF "ZOOKEEPER-2845" \in Bugs THEN LastOf(delivered[i]) ELSE LastOf(log[i])

\* Votes and epoch acknowledgements are compared by epoch, then zxid.
Newer(e, z, f, w) == e > f \/ (e = f /\ Below(w, z))

Looking(i)       == phase[i] = "LOOKING"
Serving(i)       == phase[i] = "BROADCAST"
Leading(i)       == leader[i] = i
Following(i)     == leader[i] \notin {None, i}
FromLeader(i, l) == leader[i] = l /\ i # l
FromVoter(i)     == i \in Server  \* nobody else connects in this module; the core refuses who does not vote

\* Nothing is on its way to i's disk: only then does i look for a leader (ZOOKEEPER-4712).
Quiescent(i) == saving[i] = "none" /\ synced[i] = Len(log[i])

Stage == {"none", "info", "epoch", "waiting", "ackepoch", "syncing", "synced"}
NoLearner  == [stage |-> "none", zxid |-> ZeroZxid]
NoLearners == [i \in Server |-> NoLearner]

\* mode: none DIFF SNAP; stage: packets (until NEWLEADER), logging (until its ACK), acked (until UPTODATE).
\* pending: proposals not logged yet; commits: how many of them are committed; snap: the history that SNAP brought.
NoSync == [mode |-> "none", stage |-> "packets", pending |-> <<>>, commits |-> 0, snap |-> <<>>]

Packet(type, zxid) == [type |-> type, zxid |-> zxid]
Eof == Packet("EOF", ZeroZxid)

-----------------------------------------------------------------------------
(* Connections. A learner opens one to its leader; FOLLOWERINFO is its     *)
(* first packet. Whoever leaves closes its end: what it sent still         *)
(* arrives, then EOF.                                                      *)

HeadIs(i, j, type) == net[i][j] # <<>> /\ Head(net[i][j]).type = type
Ended(q) == q # <<>> /\ q[Len(q)].type = "EOF"

\* End j of the connection between i and j is open.
Open(j, i) ==
    \/ leader[j] = i
    \/ Leading(j) /\ (learners[j][i].stage # "none" \/ HeadIs(i, j, "FOLLOWERINFO"))

\* What i sends to j can arrive: j has not closed its end, nor opened a new connection that i has not looked at.
Reaches(i, j) == ~Ended(net[j][i]) /\ ~HeadIs(j, i, "FOLLOWERINFO")

Received(n, i, j) == [n EXCEPT ![i][j] = Tail(@)]
Sent(n, i, j, packets) ==
    IF Reaches(i, j) THEN [n EXCEPT ![i][j] = @ \o packets] ELSE n

\* Leader l sends each learner its own packets.
SentToAll(n, l, packets(_)) ==
    [n EXCEPT ![l] = [i \in Server |-> IF i # l /\ Reaches(l, i) THEN @[i] \o packets(i) ELSE @[i]]]

\* Server i closes all its connections.
Closed(n, i) ==
    [s \in Server |-> [t \in Server |->
        IF t = i THEN <<>>
        ELSE IF s = i /\ Open(t, i) /\ ~Ended(n[s][t]) THEN Append(n[s][t], Eof)
        ELSE IF s = i /\ ~Open(t, i) THEN <<>>
        ELSE n[s][t]]]

\* Server i closes its connection with j.
ClosedOne(n, i, j) ==
    [n EXCEPT ![j][i] = <<>>, ![i][j] = IF Open(j, i) /\ ~Ended(@) THEN Append(@, Eof) ELSE @]

-----------------------------------------------------------------------------
(* Leaving a role                                                          *)

\* The servers of S go back to LOOKING. A snapshot that is being written is kept until the disk has answered.
Left(S) ==
    /\ phase' = [i \in Server |-> IF i \in S THEN "LOOKING" ELSE phase[i]]
    /\ leader' = [i \in Server |-> IF i \in S THEN None ELSE leader[i]]
    /\ newEpoch' = [i \in Server |-> IF i \in S THEN 0 ELSE newEpoch[i]]
    /\ sync' = [i \in Server |->
          IF i \notin S THEN sync[i]
          ELSE IF saving[i] = "snapshot" THEN [NoSync EXCEPT !.snap = sync[i].snap]
          ELSE NoSync]

\* Server i asks its disk for its epoch files; EpochSaved is the answer.
SaveEpoch(i, file, accepted, current) ==
    /\ acceptedEpoch' = [acceptedEpoch EXCEPT ![i] = accepted]
    /\ currentEpoch' = [currentEpoch EXCEPT ![i] = current]
    /\ saving' = [saving EXCEPT ![i] = file]
    /\ epochFile' = IF EpochWrites = "eager" THEN [epochFile EXCEPT ![i] = <<accepted, current>>] ELSE epochFile

epochVars == <<acceptedEpoch, currentEpoch, saving, epochFile>>

-----------------------------------------------------------------------------
(* Synchronisation: what a leader sends to a learner whose last logged     *)
(* zxid is p (LearnerHandler.syncFollower).                                *)

Forwarded(z) == <<Packet("PROPOSAL", z), Packet("COMMIT", z)>>

RECURSIVE Committed(_, _, _)
Committed(s, from, to) ==
    IF from > to THEN <<>> ELSE Forwarded(s[from]) \o Committed(s, from + 1, to)

Outstanding(s, from) == [k \in 1..(Len(s) - from + 1) |-> Packet("PROPOSAL", s[from + k - 1])]

SyncPackets(l, p) ==
    LET s    == log[l]
        \* Before it is established all of a leader's log counts; later what is committed.
        h    == IF phase[l] = "BROADCAST" THEN Len(delivered[l]) ELSE Len(s)
        max  == LastOf(Prefix(s, h))
        min  == IF h > base[l] THEN s[base[l] + 1] ELSE max
        upTo == UpTo(Prefix(s, h), p)
        d    == Len(delivered[l])
        rest(from) == Committed(s, from, h) \o Outstanding(s, h + 1) \o <<Packet("NEWLEADER", <<newEpoch[l], 0>>)>>
        diff(from) == <<Packet("DIFF", max)>> \o rest(from)
        trunc(k)   == <<Packet("TRUNC", s[k])>> \o rest(k + 1)
        snap == <<[type |-> "SNAP", zxid |-> LastOf(delivered[l]), history |-> delivered[l]]>> \o rest(d + 1)
    IN  IF p = max THEN diff(h + 1)
        ELSE IF Below(max, p) THEN IF p[2] # 0 /\ h > 0 THEN trunc(h) ELSE snap
        ELSE IF Below(p, min) THEN snap
        ELSE IF s[upTo] = p THEN diff(upTo + 1)
        ELSE IF p[2] = 0 THEN diff(upTo + 1)
        \* p is not in this leader's history: cut it off where that is possible (ZOOKEEPER-1154).
        ELSE IF s[upTo + 1][1] = p[1] THEN trunc(upTo)
        ELSE snap

-----------------------------------------------------------------------------
(* Discovery                                                               *)

\* Server i is told who leads. A follower connects and introduces itself.
Elected(i, l) ==
    /\ Looking(i)
    /\ Quiescent(i)
    /\ phase' = [phase EXCEPT ![i] = "DISCOVERY"]
    /\ leader' = [leader EXCEPT ![i] = l]
    \* A server alone is a quorum at once.
    /\ IF l = i /\ IsQuorum({i})
         THEN /\ newEpoch' = [newEpoch EXCEPT ![i] = acceptedEpoch[i] + 1]
              /\ SaveEpoch(i, "accepted", acceptedEpoch[i] + 1, currentEpoch[i])
         ELSE UNCHANGED <<newEpoch, epochVars>>
    /\ net' = IF l = i THEN net
              ELSE [net EXCEPT ![i][l] = <<Packet("FOLLOWERINFO", <<acceptedEpoch[i], 0>>)>>, ![l][i] = <<>>]
    /\ UNCHANGED <<log, synced, base, delivered, learners, sync>>

\* Leader l hears from learner i. A quorum fixes the epoch: one above all that its members have accepted.
HandleFollowerInfo(l, i) ==
    LET ls     == [learners[l] EXCEPT ![i] = [stage |-> "info", zxid |-> Head(net[i][l]).zxid]]
        infos  == {j \in Server : ls[j].stage = "info"}
        e      == 1 + Max({acceptedEpoch[l]} \cup {ls[j].zxid[1] : j \in infos})
        known  == newEpoch[l] # 0 /\ saving[l] # "accepted"
        rest   == Received(net, i, l)
    IN  /\ Leading(l)
        /\ HeadIs(i, l, "FOLLOWERINFO")
        /\ learners' = [learners EXCEPT ![l] =
              IF known THEN [ls EXCEPT ![i] = [stage |-> "epoch", zxid |-> ZeroZxid]] ELSE ls]
        /\ net' = IF known /\ ~Ended(rest[i][l])
                    THEN [rest EXCEPT ![l][i] = Append(@, Packet("LEADERINFO", <<newEpoch[l], 0>>))]
                    ELSE rest
        /\ IF newEpoch[l] = 0 /\ IsQuorum(infos \cup {l})
             THEN /\ newEpoch' = [newEpoch EXCEPT ![l] = e]
                  /\ SaveEpoch(l, "accepted", e, currentEpoch[l])
             ELSE UNCHANGED <<newEpoch, epochVars>>
        /\ UNCHANGED <<phase, leader, log, synced, base, delivered, sync>>

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
             THEN /\ learners' = [learners EXCEPT ![l][i] = [stage |-> "syncing", zxid |-> ZeroZxid]]
                  /\ net' = Sent(rest, l, i, SyncPackets(l, m.zxid))
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

Saving(i, files) == saving[i] \in files

\* The disk of server i has its epoch files: only now does i say so.
EpochSaved(i) ==
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
                        IF j \in acks THEN SyncPackets(i, learners[i][j].zxid) ELSE <<>>)
                  /\ UNCHANGED sync
             ELSE IF Following(i) /\ saving[i] = "accepted"
             THEN /\ phase' = [phase EXCEPT ![i] = "SYNCHRONIZATION"]
                  /\ net' = Sent(net, i, l, <<AckEpoch(i, currentEpoch[i])>>)
                  /\ UNCHANGED <<learners, sync>>
             ELSE IF Following(i)
             THEN /\ sync' = [sync EXCEPT ![i].stage = "acked"]
                  /\ net' = Sent(net, i, l, <<Packet("ACK", <<currentEpoch[i], 0>>)>>)
                  /\ UNCHANGED <<phase, learners>>
             ELSE UNCHANGED <<phase, learners, sync, net>>  \* it has left the role meanwhile
        /\ delivered' = IF Leading(i) /\ saving[i] = "current" /\ IsQuorum({i})
                          THEN [delivered EXCEPT ![i] = log[i]] ELSE delivered
        /\ UNCHANGED <<leader, log, synced, base, newEpoch>>

-----------------------------------------------------------------------------
(* Synchronisation at the follower                                         *)

InSync(i, l, type) ==
    /\ FromLeader(i, l)
    /\ HeadIs(l, i, type)
    /\ phase[i] = "SYNCHRONIZATION"

ModeChosen(i, mode, snap) == sync' = [sync EXCEPT ![i] = [@ EXCEPT !.mode = mode, !.snap = snap]]

\* The leader continues where follower i stands.
HandleDiff(i, l) ==
    /\ InSync(i, l, "DIFF") /\ sync[i].mode = "none"
    /\ ModeChosen(i, "DIFF", <<>>)
    /\ net' = Received(net, l, i)
    /\ UNCHANGED <<phase, leader, epochVars, log, synced, base, delivered, newEpoch, learners>>

\* A cut never goes below what is only in a snapshot.
KeepsBase(i, keep) == keep >= base[i]

\* Follower i cuts what the leader does not have. The cut is on disk before anything else happens there.
HandleTrunc(i, l) ==
    LET keep == UpTo(log[i], Head(net[l][i]).zxid)
    IN  /\ InSync(i, l, "TRUNC") /\ sync[i].mode = "none"
        /\ KeepsBase(i, keep)
        /\ log' = [log EXCEPT ![i] = Prefix(@, keep)]
        /\ synced' = [synced EXCEPT ![i] = keep]
        \* Only with ZOOKEEPER-2845 is there a tree beyond the cut: it is loaded again from what is left.
        /\ delivered' = [delivered EXCEPT ![i] = IF Len(@) > keep THEN Prefix(@, keep) ELSE @]
        /\ ModeChosen(i, "DIFF", <<>>)
        /\ net' = Received(net, l, i)
        /\ UNCHANGED <<phase, leader, epochVars, base, newEpoch, learners>>

\* The leader sends everything; follower i holds it in memory until NEWLEADER (ZOOKEEPER-3642).
HandleSnap(i, l) ==
    /\ InSync(i, l, "SNAP") /\ sync[i].mode = "none"
    /\ ModeChosen(i, "SNAP", Head(net[l][i]).history)
    /\ net' = Received(net, l, i)
    /\ UNCHANGED <<phase, leader, epochVars, log, synced, base, delivered, newEpoch, learners>>

\* What of the proposals q goes behind log s. With ZOOKEEPER-2845 the log may have, behind what i reported, a tail that i
\* has forgotten; nothing at or below it is logged again.
Unlogged(s, q) ==
    IF "ZOOKEEPER-2845" \in Bugs THEN SelectSeq(q, LAMBDA z : Below(LastOf(s), z)) ELSE q

\* What follower i does once its log is s: the committed proposals are appended, what is logged made durable, then
\* the epoch, then the acknowledgement, in this order (ZOOKEEPER-3911, 4643, 4646).
Logging(i, s, durable, n) ==
    LET e    == acceptedEpoch[i]
        y    == sync[i]
        s2   == s \o Unlogged(s, Prefix(y.pending, y.commits))
        done == durable = Len(s2) \/ "ZOOKEEPER-4646" \in Bugs
        now  == done /\ currentEpoch[i] = e
    IN  /\ log' = [log EXCEPT ![i] = s2]
        /\ synced' = [synced EXCEPT ![i] = durable]
        /\ sync' = [sync EXCEPT ![i] = [y EXCEPT
              !.stage = IF now THEN "acked" ELSE "logging",
              !.pending = SubSeq(@, y.commits + 1, Len(@)), !.commits = 0, !.snap = <<>>]]
        /\ net' = IF now THEN Sent(n, i, leader[i], <<Packet("ACK", <<e, 0>>)>>) ELSE n
        /\ IF done /\ ~now
             THEN SaveEpoch(i, "current", e, e)
             ELSE /\ saving' = [saving EXCEPT ![i] = "none"]
                  /\ UNCHANGED <<acceptedEpoch, currentEpoch, epochFile>>

\* Follower i has been sent all that the leader had: it makes that durable.
HandleNewLeader(i, l) ==
    /\ InSync(i, l, "NEWLEADER") /\ sync[i].mode # "none" /\ sync[i].stage = "packets"
    /\ IF sync[i].mode = "SNAP"
         THEN /\ saving' = [saving EXCEPT ![i] = "snapshot"]
              /\ sync' = [sync EXCEPT ![i].stage = "logging"]
              /\ net' = Received(net, l, i)
              /\ UNCHANGED <<acceptedEpoch, currentEpoch, epochFile, log, synced>>
         ELSE Logging(i, log[i], synced[i], Received(net, l, i))
    /\ UNCHANGED <<phase, leader, base, delivered, newEpoch, learners>>

\* The snapshot is on disk in place of the old log (ZOOKEEPER-2832), whether or not i still follows.
SnapshotSaved(i) ==
    LET s == sync[i].snap
    IN  /\ Saving(i, {"snapshot"})
        /\ base' = [base EXCEPT ![i] = Len(s)]
        /\ delivered' = [delivered EXCEPT ![i] = s]
        /\ IF Following(i)
             THEN Logging(i, s, Len(s), net)
             ELSE /\ log' = [log EXCEPT ![i] = s]
                  /\ synced' = [synced EXCEPT ![i] = Len(s)]
                  /\ saving' = [saving EXCEPT ![i] = "none"]
                  /\ sync' = [sync EXCEPT ![i] = NoSync]
                  /\ UNCHANGED <<acceptedEpoch, currentEpoch, epochFile, net>>
        /\ UNCHANGED <<phase, leader, newEpoch, learners>>

\* The leader is established: follower i serves, and logs what came in between.
HandleUpToDate(i, l) ==
    LET y == sync[i]
        s == log[i] \o Unlogged(log[i], y.pending)
        z == IF y.commits = 0 THEN LastOf(log[i]) ELSE y.pending[y.commits]  \* the last that is committed
    IN  /\ InSync(i, l, "UPTODATE") /\ y.stage = "acked"
        /\ phase' = [phase EXCEPT ![i] = "BROADCAST"]
        /\ log' = [log EXCEPT ![i] = s]
        /\ delivered' = [delivered EXCEPT ![i] = Prefix(s, UpTo(s, z))]
        /\ sync' = [sync EXCEPT ![i] = NoSync]
        /\ net' = Sent(Received(net, l, i), i, l, <<Packet("ACK", <<currentEpoch[i], 0>>)>>)
        /\ UNCHANGED <<leader, epochVars, synced, base, newEpoch, learners>>

-----------------------------------------------------------------------------
(* Broadcast                                                               *)

Forwarding(ls) == {j \in Server : ls[j].stage \in {"syncing", "synced"}}

\* How much of log s leader l may count as committed when learners ls have acknowledged and its own disk has own.
CommittedLength(l, s, ls, own) ==
    LET acked(n) == {j \in Server : ls[j].stage = "synced" /\ ~Below(ls[j].zxid, s[n])}
                    \cup (IF own >= n THEN {l} ELSE {})
    IN  Max({Len(delivered[l])} \cup
            {n \in Len(delivered[l]) + 1 .. Len(s) : \A k \in Len(delivered[l]) + 1 .. n : IsQuorum(acked(k))})

\* Leader l commits and applies what CommittedLength allows, and tells everybody.
Commit(l, ls, own, n) ==
    LET to == CommittedLength(l, log[l], ls, own)
        commits == [k \in 1..(to - Len(delivered[l])) |-> Packet("COMMIT", log[l][Len(delivered[l]) + k])]
    IN  /\ delivered' = [delivered EXCEPT ![l] = Prefix(log[l], to)]
        /\ net' = SentToAll(n, l, LAMBDA j : IF j \in Forwarding(ls) THEN commits ELSE <<>>)

\* The zxid of leader l's next transaction.
NextZxid(l) == <<newEpoch[l], IF LastOf(log[l])[1] = newEpoch[l] THEN LastOf(log[l])[2] + 1 ELSE 1>>

CounterUsedUp(l) == NextZxid(l)[2] > MaxCounter

\* A client's write reaches leader l: it gets a zxid, is appended, and goes to everybody.
Propose(l) ==
    LET z == NextZxid(l)
    IN  /\ Leading(l) /\ Serving(l)
        /\ ~CounterUsedUp(l)
        /\ log' = [log EXCEPT ![l] = Append(@, z)]
        /\ net' = SentToAll(net, l, LAMBDA j :
              IF j \in Forwarding(learners[l]) THEN <<Packet("PROPOSAL", z)>> ELSE <<>>)
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

\* The disk of server i has k more entries: a follower acknowledges each, a leader counts itself.
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
        first  == stage = "syncing" /\ z = <<newEpoch[l], 0>>
        ls     == [learners[l] EXCEPT ![i] = [stage |-> "synced", zxid |-> IF z[2] = 0 THEN @.zxid ELSE z]]
        acks   == {l} \cup {j \in Server : ls[j].stage = "synced"}
        rest   == Received(net, i, l)
    IN  /\ Leading(l)
        /\ HeadIs(i, l, "ACK")
        /\ first \/ stage = "synced"
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
        n == Len(delivered[i]) + 1
    IN  /\ FromLeader(i, l)
        /\ HeadIs(l, i, "COMMIT")
        /\ IF phase[i] = "BROADCAST"
             THEN /\ NextCommitted(log[i], n, z)
                  /\ delivered' = [delivered EXCEPT ![i] = Prefix(log[i], n)]
                  /\ UNCHANGED sync
             ELSE /\ phase[i] = "SYNCHRONIZATION"
                  /\ NextCommitted(y.pending, y.commits + 1, z)
                  /\ sync' = [sync EXCEPT ![i].commits = @ + 1]
                  /\ UNCHANGED delivered
        /\ net' = Received(net, l, i)
        /\ UNCHANGED <<phase, leader, epochVars, log, synced, base, newEpoch, learners>>

-----------------------------------------------------------------------------
(* Connections that end, leaders without a quorum                          *)

\* Server i has a connection with j.
Peer(i, j) == IF Leading(i) THEN learners[i][j].stage # "none" ELSE leader[i] = j

\* Server i reads the end of its connection with j. A leader forgets j and what j acknowledged.
NoticeClose(i, j) ==
    /\ HeadIs(j, i, "EOF")
    /\ Peer(i, j)
    /\ IF Leading(i)
         THEN /\ learners' = [learners EXCEPT ![i][j] = NoLearner]
              /\ net' = [net EXCEPT ![j][i] = <<>>]
              /\ UNCHANGED <<phase, leader, newEpoch, sync>>
         ELSE /\ Left({i})
              /\ net' = Closed(net, i)
              /\ UNCHANGED learners
    /\ UNCHANGED <<epochVars, log, synced, base, delivered>>

QuorumMissing(l) == ~IsQuorum({l} \cup {i \in Server : learners[l][i].stage # "none"})

\* Leader l has waited long enough for a quorum that it does not have.
LeaderTimeout(l) ==
    /\ Leading(l)
    /\ QuorumMissing(l)
    /\ Left({l})
    /\ learners' = [learners EXCEPT ![l] = NoLearners]
    /\ net' = Closed(net, l)
    /\ UNCHANGED <<epochVars, log, synced, base, delivered>>

\* Leader l has given the last counter of its epoch: only a new epoch goes on (ZOOKEEPER-1277).
Resign(l) ==
    /\ Leading(l) /\ Serving(l)
    /\ CounterUsedUp(l)
    /\ Left({l})
    /\ learners' = [learners EXCEPT ![l] = NoLearners]
    /\ net' = Closed(net, l)
    /\ UNCHANGED <<epochVars, log, synced, base, delivered>>

-----------------------------------------------------------------------------
(* Environment                                                             *)

\* The disk of server i renames its epoch file into place.
WriteEpochFile(i) ==
    /\ saving[i] \in {"accepted", "current"}
    /\ epochFile[i] # <<acceptedEpoch[i], currentEpoch[i]>>
    /\ epochFile' = [epochFile EXCEPT ![i] = <<acceptedEpoch[i], currentEpoch[i]>>]
    /\ UNCHANGED <<serverVars, log, synced, base, delivered, net>>

\* The connections between the servers of A and those of B are gone and both sides know.
CutQueues(A, B) ==
    [s \in Server |-> [t \in Server |->
        IF (s \in A /\ t \in B) \/ (s \in B /\ t \in A) THEN <<>> ELSE net[s][t]]]

\* Server i stops; of what no fsync has covered, k entries are on its disk all the same.
Crash(i, k) ==
    LET followers == {j \in Server \ {i} : leader[j] = i}
        notice    == IF LateNotice THEN {} ELSE followers
    IN  /\ phase[i] # "DOWN"
        /\ synced[i] + k <= Len(log[i])
        /\ phase' = [j \in Server |->
              IF j = i THEN "DOWN" ELSE IF j \in notice THEN "LOOKING" ELSE phase[j]]
        /\ leader' = [j \in Server |-> IF j \in notice \cup {i} THEN None ELSE leader[j]]
        /\ newEpoch' = [newEpoch EXCEPT ![i] = 0]
        /\ learners' = [j \in Server |->
              IF j = i THEN NoLearners
              ELSE IF LateNotice THEN learners[j] ELSE [learners[j] EXCEPT ![i] = NoLearner]]
        /\ sync' = [j \in Server |->
              IF j = i THEN NoSync
              ELSE IF j \notin notice THEN sync[j]
              ELSE IF saving[j] = "snapshot" THEN [NoSync EXCEPT !.snap = sync[j].snap]
              ELSE NoSync]
        /\ saving' = [saving EXCEPT ![i] = "none"]
        /\ acceptedEpoch' = [acceptedEpoch EXCEPT ![i] = epochFile[i][1]]
        /\ currentEpoch' = [currentEpoch EXCEPT ![i] = epochFile[i][2]]
        /\ log' = [log EXCEPT ![i] = Prefix(@, synced[i] + k)]
        /\ synced' = [synced EXCEPT ![i] = @ + k]
        /\ delivered' = [delivered EXCEPT ![i] = <<>>]
        /\ net' = IF LateNotice THEN Closed(net, i) ELSE CutQueues({i}, Server)
        /\ UNCHANGED <<epochFile, base>>

\* Server i starts from its files: the tree is the snapshot's, the rest of the log waits for a leader.
Restart(i) ==
    /\ phase[i] = "DOWN"
    /\ phase' = [phase EXCEPT ![i] = "LOOKING"]
    \* The log is written before currentEpoch: an entry of epoch e shows that e was reached.
    /\ currentEpoch' = [currentEpoch EXCEPT ![i] = Max({@, LastOf(log[i])[1]})]
    /\ delivered' = [delivered EXCEPT ![i] =
          IF "ZOOKEEPER-2845" \in Bugs THEN log[i] ELSE Prefix(log[i], base[i])]
    /\ UNCHANGED <<leader, acceptedEpoch, saving, diskVars, newEpoch, learners, sync, net>>

Connected(i, l) == leader[i] = l /\ i # l /\ ~Ended(net[l][i]) /\ ~Ended(net[i][l])

\* The connection of learner i to leader l breaks.
Break(i, l) ==
    /\ Connected(i, l)
    /\ IF LateNotice
         THEN /\ net' = [net EXCEPT ![i][l] = Append(@, Eof), ![l][i] = Append(@, Eof)]
              /\ UNCHANGED <<phase, leader, newEpoch, learners, sync>>
         ELSE /\ Left({i})
              /\ learners' = [learners EXCEPT ![l][i] = NoLearner]
              /\ net' = CutQueues({i}, {l})
    /\ UNCHANGED <<epochVars, log, synced, base, delivered>>

-----------------------------------------------------------------------------
(* What is read next on each connection has an action that takes it: now,  *)
(* or when the disk has answered. Everything else is refused.              *)

Expected(i, j) ==
    LET m == Head(net[j][i])
    IN  CASE m.type = "FOLLOWERINFO" -> Leading(i)
          [] m.type = "ACKEPOCH"     -> Leading(i) /\ learners[i][j].stage = "epoch"
          [] m.type = "ACK" -> /\ Leading(i)
                               /\ \/ learners[i][j].stage = "synced"
                                  \/ (learners[i][j].stage = "syncing" /\ m.zxid = <<newEpoch[i], 0>>)
          [] m.type = "LEADERINFO" -> leader[i] = j /\ phase[i] = "DISCOVERY" /\ saving[i] = "none"
          [] m.type \in {"DIFF", "SNAP"} -> leader[i] = j /\ phase[i] = "SYNCHRONIZATION" /\ sync[i].mode = "none"
          [] m.type = "TRUNC" -> leader[i] = j /\ phase[i] = "SYNCHRONIZATION" /\ sync[i].mode = "none"
                                 /\ Below(m.zxid, LastOf(log[i]))
          [] m.type = "NEWLEADER" -> leader[i] = j /\ phase[i] = "SYNCHRONIZATION" /\ sync[i].stage = "packets"
          [] m.type = "UPTODATE"  -> leader[i] = j /\ phase[i] = "SYNCHRONIZATION" /\ sync[i].stage = "acked"
          [] m.type = "PROPOSAL"  -> leader[i] = j
          [] m.type = "COMMIT" -> leader[i] = j /\
                IF phase[i] = "BROADCAST"
                  THEN Len(delivered[i]) < Len(log[i]) /\ log[i][Len(delivered[i]) + 1] = m.zxid
                  ELSE sync[i].commits < Len(sync[i].pending) /\ sync[i].pending[sync[i].commits + 1] = m.zxid
          [] m.type = "EOF" -> Leading(i) \/ leader[i] = j

-----------------------------------------------------------------------------

Init ==
    /\ phase = [i \in Server |-> "LOOKING"]
    /\ leader = [i \in Server |-> None]
    /\ acceptedEpoch = [i \in Server |-> LastOf(InitialLog)[1]]
    /\ currentEpoch = [i \in Server |-> LastOf(InitialLog)[1]]
    /\ epochFile = [i \in Server |-> <<LastOf(InitialLog)[1], LastOf(InitialLog)[1]>>]
    /\ saving = [i \in Server |-> "none"]
    /\ log = [i \in Server |-> InitialLog]
    /\ synced = [i \in Server |-> Len(InitialLog)]
    /\ base = [i \in Server |-> 0]
    /\ delivered = [i \in Server |-> <<>>]
    /\ newEpoch = [i \in Server |-> 0]
    /\ learners = [i \in Server |-> NoLearners]
    /\ sync = [i \in Server |-> NoSync]
    /\ net = [i \in Server |-> [j \in Server |-> <<>>]]

\* At most this many entries are ever unsynced at once: a domain for parameters, not a bound.
Counts == 0..8

Next ==
    \/ \E i, j \in Server :
          \/ Elected(i, j)
          \/ HandleFollowerInfo(i, j) \/ HandleLeaderInfo(i, j) \/ HandleAckEpoch(i, j)
          \/ HandleDiff(i, j) \/ HandleTrunc(i, j) \/ HandleSnap(i, j) \/ HandleNewLeader(i, j)
          \/ HandleUpToDate(i, j) \/ HandleProposal(i, j) \/ HandleAck(i, j) \/ HandleCommit(i, j)
          \/ NoticeClose(i, j) \/ Break(i, j)
    \/ \E i \in Server :
          \/ EpochSaved(i) \/ SnapshotSaved(i) \/ WriteEpochFile(i)
          \/ Propose(i) \/ LeaderTimeout(i) \/ Resign(i) \/ Restart(i)
          \/ \E k \in Counts : LogSynced(i, k) \/ Crash(i, k)

Spec == Init /\ [][Next]_vars
=============================================================================
