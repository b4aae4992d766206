----------------------- MODULE MCReplicationLiveness -----------------------
(***************************************************************************)
(* Does a synchronisation end, and is what a leader proposes delivered?    *)
(* Faults are finite; once they have stopped, servers that can go on do.   *)
(*                                                                         *)
(* What is assumed of time is the guard of LiveTimeout: initLimit and      *)
(* syncLimit are longer than what is still under way. What is assumed of   *)
(* scheduling is Fairness.                                                 *)
(***************************************************************************)
EXTENDS MCReplication

CONSTANTS Unfair \* names of actions of which no fairness is assumed, for models that must fail

\* Server i could follow leader l for longer than it takes to be refused.
CouldStay(i, l) ==
    /\ newEpoch[l] = 0 \/ acceptedEpoch[i] <= newEpoch[l]
    /\ ~Newer(currentEpoch[i], LastZxid(i), currentEpoch[l], LastZxid(l))

\* Nothing is on its way but between servers that part again at once.
Quiet ==
    /\ \A i, j \in Server : net[i][j] = <<>> \/ (Leading(j) /\ ~CouldStay(i, j)) \/ (Leading(i) /\ ~CouldStay(j, i))
    /\ \A i \in Server : Quiescent(i)

\* Server i may still come to leader l, and stay: it looks, or follows a leader with whom it cannot.
MayCome(i, l) == CouldStay(i, l) /\ (Looking(i) \/ (Following(i) /\ leader[i] # l /\ ~CouldStay(i, leader[i])))

\* A leader without a quorum leaves when all is quiet and nobody comes.
LiveTimeout(l) ==
    /\ QuorumMissing(l) /\ Quiet
    /\ \A i \in Server \ {l} : ~MayCome(i, l)
    /\ MCLeaderTimeout(l)

\* So does one that is not established after initLimit, whoever stands before it. It must: who has promised its epoch on an
\* earlier connection does not count again.
GiveUp(l) ==
    /\ Leading(l) /\ ~Serving(l) /\ Quiet
    /\ \A i \in Server \ {l} : ~MayCome(i, l)
    /\ Left({l})
    /\ learners' = [learners EXCEPT ![l] = NoLearners]
    /\ net' = Closed(net, l)
    /\ UNCHANGED <<epochVars, log, synced, base, delivered>>
    /\ Free /\ Longest

Fair(name) == name \notin Unfair

\* Server i reads the next packet of server j.
Reads(i, j) ==
    \/ MCHandleFollowerInfo(i, j)
    \/ MCHandleLeaderInfo(i, j)
    \/ MCHandleAckEpoch(i, j)
    \/ MCHandleDiff(i, j) \/ MCHandleTrunc(i, j) \/ MCHandleSnap(i, j)
    \/ Fair("HandleNewLeader") /\ MCHandleNewLeader(i, j)
    \/ MCHandleUpToDate(i, j)
    \/ MCHandleProposal(i, j)
    \/ MCHandleAck(i, j)
    \/ MCHandleCommit(i, j)
    \/ MCNoticeClose(i, j)

\* What server i, its disk and its election do of their own accord. Writes and faults need not happen.
Goes(i) ==
    \/ MCEpochSaved(i) \/ MCSnapshotSaved(i) \/ MCWriteEpochFile(i)
    \/ Fair("LogSynced") /\ \E k \in Counts : MCLogSynced(i, k)
    \/ MCRestart(i)
    \/ Fair("Elected") /\ \E l \in Server : MCElected(i, l)

\* A leader that cannot go on ends its role.
Leaves(l) == LiveTimeout(l) \/ (Fair("GiveUp") /\ GiveUp(l)) \/ MCResign(l)

\* Each connection and each server by itself: that others come and go keeps nobody from going on. The ticks of initLimit
\* and syncLimit run on meanwhile, and a leader resigns as soon as it has to: one that may leave again and again does.
Fairness ==
    /\ \A i, j \in Server : WF_mcVars(i # j /\ Reads(i, j))
    /\ \A i \in Server : WF_mcVars(Goes(i))
    /\ SF_mcVars(Fair("Leaves") /\ \E l \in Server : Leaves(l))

-----------------------------------------------------------------------------

\* One leader, and all others follow it and serve.
Settled == \E l \in Server : Leading(l) /\ \A i \in Server : Serving(i) /\ leader[i] = l

Settles == <>[]Settled

Has(s, z) == \E n \in 1..Len(s) : s[n] = z

\* What the leader has proposed in an epoch that lasts is delivered everywhere.
Proposed(z) == \E l \in Server : Leading(l) /\ Serving(l) /\ Has(log[l], z)
DeliveredBy(S, z) == \A i \in S : Has(delivered[i], z)

First == <<LastOf(InitialLog)[1] + 1, 1>>

\* A transaction is delivered everywhere, or its leader has gone before a quorum had it.
Delivers == Proposed(First) ~> (DeliveredBy(Server, First) \/ \A i \in Server : ~Has(log[i], First))
=============================================================================
