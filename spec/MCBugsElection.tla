--------------------------- MODULE MCBugsElection ---------------------------
(***************************************************************************)
(* What a historic bug of elections breaks: a property that holds without  *)
(* it.                                                                     *)
(***************************************************************************)
EXTENDS MCElectionLiveness

\* A server that has heard from a quorum, and from the leader itself, who leads does not look any longer.
HearsWhoLeads == \A i \in Server, l \in Voter :
    Looking(i) =>
        LET say == {j \in Voter : IF outOfElection[i][j] = None THEN FALSE ELSE outOfElection[i][j].leader = l}
        IN  ~(IsQuorum(say) /\ l \in say)
=============================================================================
