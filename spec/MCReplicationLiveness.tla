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

\* A leader gives up only when nothing is on its way, to it or to a disk, and nobody comes.
LiveTimeout(l) ==
    /\ \A i, j \in Server : net[i][j] = <<>>
    /\ \A i \in Server : Quiescent(i)
    /\ \A i \in Server \ {l} : ~(Looking(i) /\ MayFollow(i, l))
    /\ MCLeaderTimeout(l)

Fair(name) == name \notin Unfair

\* Whatever servers and disks do of their own accord. Writes and faults need not happen.
Progress ==
    \/ \E i, j \in Server :
          \/ Fair("Elected") /\ MCElected(i, j)
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
    \/ \E i \in Server :
          \/ MCEpochSaved(i) \/ MCSnapshotSaved(i) \/ MCWriteEpochFile(i)
          \/ LiveTimeout(i) \/ MCResign(i) \/ MCRestart(i)
          \/ Fair("LogSynced") /\ \E k \in Counts : MCLogSynced(i, k)

\* Of all together: no run stops while any of them can go on.
Fairness == WF_mcVars(Progress)

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
