-------------------------- MODULE Synchronization ---------------------------
(***************************************************************************)
(* Synchronisation: a leader brings each learner to its own history; a     *)
(* learner makes it durable before it says so. DIFF TRUNC SNAP, PROPOSAL   *)
(* and COMMIT of what was missed, NEWLEADER, ACK, UPTODATE.                *)
(*                                                                         *)
(* Source:   LearnerHandler.syncFollower, Learner.syncWithLeader in        *)
(*           Apache ZooKeeper 3.9.                                         *)
(* Mirror:   core/replication/synchronization.ts, one exported function    *)
(*           for each action.                                              *)
(***************************************************************************)
EXTENDS ReplicationState

-----------------------------------------------------------------------------
(* Synchronisation: what leader l sends to learner i whose last logged     *)
(* zxid is p (LearnerHandler.syncFollower).                                *)

Forwarded(z) == <<Packet("PROPOSAL", z), Packet("COMMIT", z)>>

RECURSIVE Committed(_, _, _)
Committed(s, from, to) ==
    IF from > to THEN <<>> ELSE Forwarded(s[from]) \o Committed(s, from + 1, to)

Outstanding(s, from) == [k \in 1..(Len(s) - from + 1) |-> Packet("PROPOSAL", s[from + k - 1])]

\* With ZOOKEEPER-4925 leader l does not remember what it was sent by DIFF itself.
Known(l, packets) ==
    IF "ZOOKEEPER-4925" \notin Bugs THEN packets
    ELSE SelectSeq(packets, LAMBDA q : UpTo(sync[l].snap, q.zxid) = 0 \/ sync[l].snap[UpTo(sync[l].snap, q.zxid)] # q.zxid)

SyncPackets(l, i, p) ==
    LET s    == log[l]
        \* Before it is established all of a leader's log counts; later what is committed.
        h    == IF phase[l] = "BROADCAST" THEN Len(delivered[l]) ELSE Len(s)
        max  == LastOf(Prefix(s, h))
        min  == IF h > base[l] THEN s[base[l] + 1] ELSE max
        upTo == UpTo(Prefix(s, h), p)
        d    == Len(delivered[l])
        \* An observer hears of what is outstanding once it is committed.
        open == IF i \in Observer THEN <<>> ELSE Outstanding(s, h + 1)
        new  == <<Packet("NEWLEADER", <<newEpoch[l], 0>>)>>
        sent(from) == Known(l, Committed(s, from, h) \o open)
        rest(from) == sent(from) \o new
        diff(from) == <<Packet("DIFF", max)>> \o rest(from)
        trunc(k)   == <<Packet("TRUNC", s[k])>> \o rest(k + 1)
        snap == <<[type |-> "SNAP", zxid |-> LastOf(delivered[l]), history |-> delivered[l]]>> \o
                IF "ZOOKEEPER-3104" \in Bugs THEN new \o sent(d + 1) ELSE rest(d + 1)
    IN  IF p = max THEN diff(h + 1)
        \* The last zxid that a new leader has proposed is still 0: so is that of a server without a log.
        ELSE IF "ZOOKEEPER-1319" \in Bugs /\ p = ZeroZxid /\ phase[l] # "BROADCAST" THEN diff(h + 1)
        ELSE IF Below(max, p) THEN IF p[2] # 0 /\ h > 0 THEN trunc(h) ELSE snap
        ELSE IF Below(p, min) THEN snap
        ELSE IF s[upTo] = p THEN diff(upTo + 1)
        ELSE IF p[2] = 0 \/ "ZOOKEEPER-1154" \in Bugs THEN diff(upTo + 1)
        \* p is not in this leader's history: cut it off where that is possible (ZOOKEEPER-1154).
        ELSE IF s[upTo + 1][1] = p[1] THEN trunc(upTo)
        ELSE snap

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
    /\ ModeChosen(i, "DIFF", IF "ZOOKEEPER-2355" \in Bugs THEN <<Head(net[l][i]).zxid>>
                             ELSE IF "ZOOKEEPER-4925" \in Bugs THEN sync[i].snap ELSE <<>>)
    /\ net' = Received(net, l, i)
    /\ UNCHANGED <<phase, leader, epochVars, log, synced, base, delivered, newEpoch, learners>>

\* A cut never goes below what is only in a snapshot.
KeepsBase(i, keep) == keep >= base[i]

\* Follower i cuts what the leader does not have. The cut is on disk before anything else happens there; the tree is t.
HandleTruncTo(i, l, t) ==
    LET keep == UpTo(log[i], Head(net[l][i]).zxid)
        \* What still waits for the disk is written behind the cut.
        tail == IF "ZOOKEEPER-4712" \in Bugs THEN SubSeq(log[i], synced[i] + 1, Len(log[i])) ELSE <<>>
    IN  /\ InSync(i, l, "TRUNC") /\ sync[i].mode = "none"
        /\ KeepsBase(i, keep)
        /\ log' = [log EXCEPT ![i] = Prefix(@, keep) \o tail]
        /\ synced' = [synced EXCEPT ![i] = keep]
        /\ delivered' = [delivered EXCEPT ![i] = t]
        /\ ModeChosen(i, "DIFF", <<>>)
        /\ net' = Received(net, l, i)
        /\ UNCHANGED <<phase, leader, epochVars, base, newEpoch, learners>>

\* Only with ZOOKEEPER-2845 is there a tree beyond the cut: it is loaded again from what is left.
HandleTrunc(i, l) ==
    LET keep == UpTo(log[i], Head(net[l][i]).zxid)
    IN  HandleTruncTo(i, l, IF Len(delivered[i]) > keep THEN Prefix(delivered[i], keep) ELSE delivered[i])

\* The leader sends everything; follower i holds it in memory until NEWLEADER (ZOOKEEPER-3642).
HandleSnap(i, l) ==
    /\ InSync(i, l, "SNAP") /\ sync[i].mode = "none"
    /\ ModeChosen(i, "SNAP", Head(net[l][i]).history)
    /\ delivered' = [delivered EXCEPT ![i] = IF "ZOOKEEPER-3642" \in Bugs THEN Head(net[l][i]).history ELSE @]
    /\ net' = Received(net, l, i)
    /\ UNCHANGED <<phase, leader, epochVars, log, synced, base, newEpoch, learners>>

\* What of the proposals q goes behind log s. With ZOOKEEPER-2845 the log may have, behind what i reported, a tail that i
\* has forgotten; nothing at or below it is logged again. With ZOOKEEPER-4712 the tail waits for the disk.
Unlogged(s, q) ==
    IF Bugs \cap {"ZOOKEEPER-2845", "ZOOKEEPER-4712"} # {} THEN SelectSeq(q, LAMBDA z : Below(LastOf(s), z)) ELSE q

\* What follower i does once its log is s: the committed proposals are appended, what is logged made durable, then
\* the epoch, then the acknowledgement, in this order (ZOOKEEPER-3911, 4643, 4646).
Logging(i, s, durable, n) ==
    LET e    == acceptedEpoch[i]
        y    == sync[i]
        take == IF "ZOOKEEPER-3911" \in Bugs THEN 0
                ELSE IF "ZOOKEEPER-4394" \in Bugs THEN Len(y.pending) ELSE y.commits
        s2   == s \o Unlogged(s, Prefix(y.pending, take))
        safe == durable = Len(s2) \/ Bugs \cap {"ZOOKEEPER-4646", "ZOOKEEPER-4685"} # {}
        done == safe \/ "ZOOKEEPER-4785" \in Bugs
        now  == safe /\ currentEpoch[i] = e
    IN  /\ log' = [log EXCEPT ![i] = s2]
        /\ synced' = [synced EXCEPT ![i] = durable]
        /\ sync' = [sync EXCEPT ![i] = [y EXCEPT
              !.stage = IF now THEN "acked" ELSE "logging",
              !.pending = SubSeq(@, take + 1, Len(@)), !.commits = IF take < @ THEN @ ELSE 0,
              !.snap = IF "ZOOKEEPER-4925" \in Bugs
                         THEN (IF y.mode = "SNAP" THEN <<>> ELSE y.snap) \o Prefix(y.pending, take)
                       \* What of it is committed.
                       ELSE IF take > y.commits THEN Prefix(s2, Len(s) + y.commits) ELSE <<>>]]
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
         ELSE IF "ZOOKEEPER-4643" \in Bugs /\ currentEpoch[i] # acceptedEpoch[i]
         THEN /\ SaveEpoch(i, "current", acceptedEpoch[i], acceptedEpoch[i])
              /\ sync' = [sync EXCEPT ![i].stage = "logging"]
              /\ net' = Received(net, l, i)
              /\ UNCHANGED <<log, synced>>
         ELSE Logging(i, log[i], synced[i], Received(net, l, i))
    /\ UNCHANGED <<phase, leader, base, delivered, newEpoch, learners>>

\* Only with ZOOKEEPER-4643: the file of the epoch is there, the log comes after it.
LogAfterEpoch(i) ==
    /\ Saving(i, {"current"}) /\ epochFile[i] = <<acceptedEpoch[i], currentEpoch[i]>>
    /\ Logging(i, log[i], synced[i], net)
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
        z == IF "ZOOKEEPER-4394" \in Bugs /\ y.snap # <<>> THEN LastOf(y.snap)
             ELSE IF y.commits = 0 THEN LastOf(log[i]) ELSE y.pending[y.commits]  \* the last that is committed
    IN  /\ InSync(i, l, "UPTODATE") /\ y.stage = "acked"
        /\ phase' = [phase EXCEPT ![i] = "BROADCAST"]
        /\ log' = [log EXCEPT ![i] = s]
        /\ delivered' = [delivered EXCEPT ![i] = Applied(@, Prefix(s, UpTo(s, z)))]
        /\ sync' = [sync EXCEPT ![i] = IF "ZOOKEEPER-4925" \in Bugs THEN LeftSync(i) ELSE NoSync]
        /\ net' = Sent(Received(net, l, i), i, l, <<Packet("ACK", <<currentEpoch[i], 0>>)>>)
        /\ UNCHANGED <<leader, epochVars, synced, base, newEpoch, learners>>
=============================================================================
