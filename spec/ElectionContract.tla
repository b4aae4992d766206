-------------------------- MODULE ElectionContract --------------------------
(***************************************************************************)
(* What the rest of the protocol may assume of an election, and no more:   *)
(* who is told to lead or to follow whom, and when that may happen.        *)
(*                                                                         *)
(* 1. A server leads, or follows a leader, only after a quorum with the    *)
(*    leader in it has backed that leader in one round.                    *)
(* 2. A server backs only servers that do not rank below it: rank is that  *)
(*    of currentEpoch, then last zxid, then id.                            *)
(* Of 1 and 2: a leader ranks below none of some quorum.                   *)
(*                                                                         *)
(* Nothing is said of time: the quorum may since have gone elsewhere, two  *)
(* servers may lead at once, even by votes of one round, and a follower's  *)
(* leader need not lead.  Epochs must make up for that (Replication).      *)
(*                                                                         *)
(* Refined by: Election (checked in MCElectionProof).                      *)
(***************************************************************************)
EXTENDS Integers, FiniteSets

CONSTANTS
    Server,          \* the voting servers
    Round,           \* the rounds that elections may have
    None,            \* no leader
    Outranks(_, _)   \* Outranks(i, j): server i ranks above server j

VARIABLES
    role,    \* role[i]: LOOKING, LEADING or FOLLOWING
    leader,  \* leader[i]: whom i was told to follow, itself if it leads, None while it looks
    backed   \* <<r, i, l>>: in round r server i has backed l; backing is never taken back

vars == <<role, leader, backed>>

TypeOK ==
    /\ role \in [Server -> {"LOOKING", "LEADING", "FOLLOWING"}]
    /\ leader \in [Server -> Server \cup {None}]
    /\ backed \subseteq Round \X Server \X Server

IsQuorum(S) == 2 * Cardinality(S) > Cardinality(Server)

Backers(r, l) == {i \in Server : <<r, i, l>> \in backed}

Elected(l) == \E r \in Round : l \in Backers(r, l) /\ IsQuorum(Backers(r, l))

-----------------------------------------------------------------------------

Init ==
    /\ role = [i \in Server |-> "LOOKING"]
    /\ leader = [i \in Server |-> None]
    /\ backed = {}

\* Server i backs l in round r.
Back(i, l, r) ==
    /\ role[i] = "LOOKING"
    /\ ~Outranks(i, l)
    /\ backed' = backed \cup {<<r, i, l>>}
    /\ UNCHANGED <<role, leader>>

\* Server i is told that it leads.
Lead(i) ==
    /\ role[i] = "LOOKING"
    /\ Elected(i)
    /\ role' = [role EXCEPT ![i] = "LEADING"]
    /\ leader' = [leader EXCEPT ![i] = i]
    /\ UNCHANGED backed

\* Server i is told to follow l.
Follow(i, l) ==
    /\ role[i] = "LOOKING"
    /\ l # i
    /\ Elected(l)
    /\ role' = [role EXCEPT ![i] = "FOLLOWING"]
    /\ leader' = [leader EXCEPT ![i] = l]
    /\ UNCHANGED backed

\* Server i gives up its role and looks again, in round r for itself.
Leave(i, r) ==
    /\ role' = [role EXCEPT ![i] = "LOOKING"]
    /\ leader' = [leader EXCEPT ![i] = None]
    /\ backed' = backed \cup {<<r, i, i>>}

\* Server i stops and starts again: it has no role and backs nobody yet.
Restart(i) ==
    /\ role' = [role EXCEPT ![i] = "LOOKING"]
    /\ leader' = [leader EXCEPT ![i] = None]
    /\ UNCHANGED backed

Next ==
    \/ \E i, l \in Server, r \in Round : Back(i, l, r)
    \/ \E i \in Server : Lead(i) \/ Restart(i)
    \/ \E i, l \in Server : Follow(i, l)
    \/ \E i \in Server, r \in Round : Leave(i, r)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------

\* What 1 and 2 give together: whoever leads or is followed ranks highest in some quorum.
BestOfQuorum ==
    \A i \in Server : leader[i] # None =>
        IsQuorum({j \in Server : ~Outranks(j, leader[i])})
=============================================================================
