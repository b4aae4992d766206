---------------------------- MODULE Observation -----------------------------
(***************************************************************************)
(* Observers: learners that do not vote. They are synchronised like        *)
(* followers, count for no quorum, acknowledge no transaction, and hear of *)
(* it by INFORM once it is committed.                                      *)
(*                                                                         *)
(* Source:   Observer, ObserverZooKeeperServer, LearnerHandler in Apache   *)
(*           ZooKeeper 3.9.                                                *)
(* Mirror:   core/replication/observation.ts, one exported function for    *)
(*           each action.                                                  *)
(***************************************************************************)
EXTENDS Discovery

\* Its promise raises the epoch, as a voter's does, but is not waited for.
HandleObserverInfo(l, i) ==
    /\ HeadIs(i, l, "OBSERVERINFO")
    /\ FromObserver(i)
    /\ Introduced(l, i)

AllCommitted(y) == y.commits = Len(y.pending)

\* Observer i hears of a transaction that is committed: it is applied at once, and on its way to the disk.
HandleInform(i, l) ==
    LET z == Head(net[l][i]).zxid
        y == sync[i]
    IN  /\ FromLeader(i, l)
        /\ HeadIs(l, i, "INFORM")
        /\ FromObserver(i)
        /\ \/ phase[i] = "BROADCAST"
           \/ phase[i] = "SYNCHRONIZATION" /\ y.mode # "none"
        /\ IF phase[i] = "BROADCAST"
             THEN /\ log' = [log EXCEPT ![i] = Append(@, z)]
                  /\ delivered' = [delivered EXCEPT ![i] = Applied(@, Append(log[i], z))]
                  /\ UNCHANGED sync
             ELSE /\ AllCommitted(y)
                  /\ sync' = [sync EXCEPT ![i].pending = Append(@, z), ![i].commits = @ + 1]
                  /\ UNCHANGED <<log, delivered>>
        /\ net' = Received(net, l, i)
        /\ UNCHANGED <<phase, leader, epochVars, synced, base, newEpoch, learners>>
=============================================================================
