----------------------------- MODULE Snapshots ------------------------------
(***************************************************************************)
(* Snapshots beside the log: a server that serves writes its tree to a     *)
(* file of another name, which gets its own name once it is whole and the  *)
(* log has all that is in it. A start loads the newest one and replays the *)
(* log behind it; TRUNC takes away those above the cut; SNAP takes the     *)
(* place of all of them and of the log.                                    *)
(*                                                                         *)
(* Source:   FileTxnSnapLog, FileSnap, Learner.syncWithLeader in Apache    *)
(*           ZooKeeper 3.9.                                                *)
(* Mirror:   core/recovery.ts says what a start finds; the files are       *)
(*           conformance/world/replication.ts's, and shell/storage/'s.     *)
(***************************************************************************)
EXTENDS Replication

VARIABLES
    snapshots    \* snapshots[i]: what is on i's disk beside the log:
                 \*   whole: the snapshots under their names, oldest first, each the history that it holds
                 \*   begun: at most one that is being written
                 \*   old:   entries of the log that no history has any more; only with ZOOKEEPER-2832

NoSnapshots == [whole |-> << <<>> >>, begun |-> <<>>, old |-> <<>>]

Newest(i) == LET w == snapshots[i].whole IN w[Len(w)]

\* What a start finds: the newest snapshot, and of the log what is behind it.
Recovered(i) ==
    Newest(i) \o SelectSeq(snapshots[i].old \o log[i], LAMBDA z : Below(LastOf(Newest(i)), z))

-----------------------------------------------------------------------------
(* The disk writes a snapshot                                              *)

\* A server that serves begins to write what it has applied. With ZOOKEEPER-4837 one that leads does so before anybody
\* follows it.
TakeSnapshot(i) ==
    /\ Serving(i) \/ ("ZOOKEEPER-4837" \in Bugs /\ Leading(i))
    /\ snapshots[i].begun = <<>>
    /\ delivered[i] # Newest(i)
    /\ snapshots' = [snapshots EXCEPT ![i].begun = <<delivered[i]>>]
    /\ UNCHANGED vars

\* It is whole, and nothing in it is ahead of the log: it gets its name.
PlaceSnapshot(i) ==
    /\ snapshots[i].begun # <<>>
    /\ Len(snapshots[i].begun[1]) <= synced[i]
    /\ snapshots' = [snapshots EXCEPT ![i].whole = Append(@, snapshots[i].begun[1]), ![i].begun = <<>>]
    /\ UNCHANGED vars

-----------------------------------------------------------------------------
(* What the other actions do to snapshots                                  *)

Survives(s, z) == "ZOOKEEPER-4837" \in Bugs \/ ~Below(z, LastOf(s))

\* A snapshot above the cut would bring back what is cut (ZOOKEEPER-4837): it goes, also when it is still being written.
SnapshotsCut(i, z) ==
    snapshots' = [snapshots EXCEPT
        ![i].whole = SelectSeq(@, LAMBDA s : Survives(s, z)),
        ![i].begun = SelectSeq(@, LAMBDA s : Survives(s, z))]

CutHandleTrunc(i, l) ==
    LET z == Head(net[l][i]).zxid
    IN  /\ HandleTruncTo(i, l, IF Below(z, LastOf(Newest(i))) /\ Survives(Newest(i), z) THEN Newest(i)
                               ELSE Prefix(delivered[i], UpTo(delivered[i], z)))
        /\ SnapshotsCut(i, z)

\* Whatever is being written is overtaken once SNAP is to be saved.
OvertakingHandleNewLeader(i, l) ==
    /\ HandleNewLeader(i, l)
    /\ snapshots' = IF sync[i].mode = "SNAP" THEN [snapshots EXCEPT ![i].begun = <<>>] ELSE snapshots

\* SNAP takes the place of everything. With ZOOKEEPER-2832 the log stays beside it.
ReplacingSnapshotSaved(i) ==
    /\ SnapshotSaved(i)
    /\ snapshots' = [snapshots EXCEPT ![i] =
          [whole |-> <<sync[i].snap>>,
           begun |-> <<>>,
           old |-> IF "ZOOKEEPER-2832" \in Bugs
                     THEN @.old \o SelectSeq(log[i], LAMBDA z : Below(LastOf(snapshots[i].whole[1]), z))
                     ELSE <<>>]]

\* What is being written when a server stops has no name, and no start will load it.
HalfWrittenCrash(i, k) ==
    /\ Crash(i, k)
    /\ snapshots' = [snapshots EXCEPT ![i].begun = <<>>]

RecoveringRestart(i) ==
    /\ RestartWith(i, Newest(i), Recovered(i))
    /\ snapshots' = [snapshots EXCEPT ![i].old = <<>>]

\* Every other action leaves snapshots alone: see MCSnapshots.tla.
=============================================================================
