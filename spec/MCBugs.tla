------------------------------- MODULE MCBugs -------------------------------
(***************************************************************************)
(* What a historic bug breaks first, inside and for a client: properties   *)
(* for models of Replication with a bug, that hold without it.             *)
(***************************************************************************)
EXTENDS MCReplication

-----------------------------------------------------------------------------
(* Inside                                                                  *)

\* A learner that has acknowledged NEWLEADER has nothing that its leader does not have, and no gap.
LogIsLeaders == \A i, l \in Server :
    leader[i] = l /\ Leading(l) /\ (Serving(i) \/ sync[i].stage = "acked") => IsPrefix(log[i], log[l])

\* A learner that has acknowledged NEWLEADER has all that its leader had of earlier epochs.
AcknowledgedWhole == \A i, l \in Server :
    leader[i] = l /\ Leading(l) /\ sync[i].stage = "acked" =>
        \A n \in 1..Len(log[l]) : log[l][n][1] < newEpoch[l] => n <= Len(log[i]) /\ log[i][n] = log[l][n]

-----------------------------------------------------------------------------
(* For clients                                                             *)

\* What a client was told is there for whoever asks a leader that serves, the newest.
NothingLost == \A l \in Server :
    Leading(l) /\ Serving(l) /\ (\A m \in Server : acceptedEpoch[m] <= newEpoch[l]) => IsPrefix(order, delivered[l])

\* Whoever asks two servers that serve is told the same history, further here than there.
OneHistory == PrefixConsistency

\* Whoever asks a server that serves is told everything of earlier epochs.
ServesWhole == \A i \in Server : Serving(i) =>
    \A n \in 1..Len(order) : order[n][1] < currentEpoch[i] => UpTo(delivered[i], order[n]) >= n

\* Two leaders that serve never give two writes one zxid.
OneWriteOneZxid == \A l, m \in Server :
    Leading(l) /\ Serving(l) /\ Leading(m) /\ Serving(m) /\ l # m /\ newEpoch[l] = newEpoch[m] =>
        LastOf(log[l])[1] # newEpoch[l] \/ LastOf(log[m])[1] # newEpoch[l]

\* Without a fault a server that is synchronised, or was, does not turn away clients: who has promised the epoch of a
\* leader that serves does not look for another.
NobodyTurnsAway ==
    budget[2] = Crashes /\ budget[3] = Cuts =>
        \A i, l \in Server : ~(Looking(i) /\ Leading(l) /\ Serving(l) /\ acceptedEpoch[i] = newEpoch[l])

\* A leader whose learners are a quorum and have all it sent does not give up.
LeaderWithQuorumStays == [][\A l \in Server :
    Leading(l) /\ phase'[l] = "LOOKING" =>
        ~IsQuorum({l} \cup {i \in Server : leader[i] = l /\ sync[i].stage = "acked"})]_mcVars
=============================================================================
