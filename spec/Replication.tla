---------------------------- MODULE Replication ----------------------------
(***************************************************************************)
(* Discovery, synchronisation and broadcast as ZooKeeper's servers do them *)
(* on the quorum port: FOLLOWERINFO LEADERINFO ACKEPOCH, DIFF TRUNC SNAP,  *)
(* NEWLEADER ACK UPTODATE, PROPOSAL ACK COMMIT INFORM. Appending, its      *)
(* fsync, the epoch files and the snapshot file are steps of their own.    *)
(*                                                                         *)
(* Source:   Leader, LearnerHandler, Learner in Apache ZooKeeper 3.9.      *)
(* Assumes:  of elections no more than ElectionContract (bounds in MC).    *)
(* Refines:  Zab.                                                          *)
(* Parts:    ReplicationState, Discovery, Synchronization, Observation,    *)
(*           Broadcast: each a file of core/replication/, with a function  *)
(*           for each action.                                              *)
(* Mirror:   of what stands here (WriteEpochFile, Crash, Break):           *)
(*           conformance/world/replication.ts.                             *)
(***************************************************************************)
EXTENDS Observation, Broadcast

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
              ELSE IF LateNotice THEN learners[j] ELSE [learners[j] EXCEPT ![i] = Forgotten(j, i)]]
        /\ sync' = [j \in Server |->
              IF j = i THEN NoSync
              ELSE IF j \notin notice THEN sync[j]
              ELSE LeftSync(j)]
        /\ saving' = [saving EXCEPT ![i] = "none"]
        /\ acceptedEpoch' = [acceptedEpoch EXCEPT ![i] = epochFile[i][1]]
        /\ currentEpoch' = [currentEpoch EXCEPT ![i] = epochFile[i][2]]
        /\ log' = [log EXCEPT ![i] = Prefix(@, synced[i] + k)]
        /\ synced' = [synced EXCEPT ![i] = @ + k]
        /\ delivered' = [delivered EXCEPT ![i] = <<>>]
        /\ net' = IF LateNotice THEN Closed(net, i) ELSE CutQueues({i}, Server)
        /\ UNCHANGED <<epochFile, base>>

Connected(i, l) == leader[i] = l /\ i # l /\ ~Ended(net[l][i]) /\ ~Ended(net[i][l])

\* The connection of learner i to leader l breaks.
Break(i, l) ==
    /\ Connected(i, l)
    /\ IF LateNotice
         THEN /\ net' = [net EXCEPT ![i][l] = Append(@, Eof), ![l][i] = Append(@, Eof)]
              /\ UNCHANGED <<phase, leader, newEpoch, learners, sync>>
         ELSE /\ Left({i})
              /\ learners' = [learners EXCEPT ![l][i] = Forgotten(l, i)]
              /\ net' = CutQueues({i}, {l})
    /\ UNCHANGED <<epochVars, log, synced, base, delivered>>

-----------------------------------------------------------------------------
(* What is read next on each connection has an action that takes it: now,  *)
(* or when the disk has answered. Everything else is refused.              *)

Expected(i, j) ==
    LET m == Head(net[j][i])
    IN  CASE m.type \in {"FOLLOWERINFO", "OBSERVERINFO"} -> Leading(i)
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
          [] m.type = "INFORM" -> leader[i] = j /\ (phase[i] = "BROADCAST" \/ AllCommitted(sync[i]))
          [] m.type = "REQUEST" -> Leading(i) /\ Serving(i)
          [] m.type = "SYNC" -> leader[i] = j /\ Serving(i)
          [] m.type = "EOF" -> Leading(i) \/ leader[i] = j

-----------------------------------------------------------------------------

FirstPromise(i) == Max({LastOf(InitialLog)[1]} \cup {p[2] : p \in {q \in Promises : q[1] = i}})

Init ==
    /\ phase = [i \in Server |-> "LOOKING"]
    /\ leader = [i \in Server |-> None]
    /\ acceptedEpoch = [i \in Server |-> FirstPromise(i)]
    /\ currentEpoch = [i \in Server |-> LastOf(InitialLog)[1]]
    /\ epochFile = [i \in Server |-> <<FirstPromise(i), LastOf(InitialLog)[1]>>]
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
          \/ HandleFollowerInfo(i, j) \/ HandleObserverInfo(i, j) \/ HandleInform(i, j)
          \/ HandleLeaderInfo(i, j) \/ HandleAckEpoch(i, j)
          \/ HandleDiff(i, j) \/ HandleTrunc(i, j) \/ HandleSnap(i, j) \/ HandleNewLeader(i, j)
          \/ HandleUpToDate(i, j) \/ HandleProposal(i, j) \/ HandleAck(i, j) \/ HandleCommit(i, j)
          \/ NoticeClose(i, j) \/ Break(i, j)
    \/ \E i \in Server :
          \/ EpochSaved(i) \/ SnapshotSaved(i) \/ WriteEpochFile(i)
          \/ Propose(i) \/ LeaderTimeout(i) \/ Resign(i) \/ Restart(i)
          \/ \E k \in Counts : LogSynced(i, k) \/ Crash(i, k)

Spec == Init /\ [][Next]_vars
=============================================================================
