------------------------------ MODULE Consensus ------------------------------
(***************************************************************************)
(* What a set of processes that agree on one value gives its users: at     *)
(* most one value is ever chosen, it is one that somebody proposed, and    *)
(* nobody learns of a choice that was not made.                            *)
(*                                                                         *)
(* Source:     Lamport: Paxos Made Simple (2001), section 2.1.             *)
(* Refined by: Voting.                                                     *)
(***************************************************************************)
EXTENDS Integers, FiniteSets

CONSTANT Value

VARIABLES
    proposed,  \* the values that were ever proposed
    chosen,    \* the chosen ones
    learned    \* those of which some process has learned that they are chosen

vars == <<proposed, chosen, learned>>

TypeOK == proposed \subseteq Value /\ chosen \subseteq Value /\ learned \subseteq Value

-----------------------------------------------------------------------------

Init == proposed = {} /\ chosen = {} /\ learned = {}

Propose(v) ==
    /\ proposed' = proposed \cup {v}
    /\ UNCHANGED <<chosen, learned>>

\* Once, and never anew.
Choose(v) ==
    /\ chosen = {}
    /\ v \in proposed
    /\ chosen' = {v}
    /\ UNCHANGED <<proposed, learned>>

Learn(v) ==
    /\ v \in chosen
    /\ learned' = learned \cup {v}
    /\ UNCHANGED <<proposed, chosen>>

Next == \E v \in Value : Propose(v) \/ Choose(v) \/ Learn(v)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------

OneValue == Cardinality(chosen) <= 1
ChosenWasProposed == chosen \subseteq proposed
LearnedIsChosen == learned \subseteq chosen
==============================================================================
