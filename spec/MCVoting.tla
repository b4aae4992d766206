------------------------------ MODULE MCVoting ------------------------------
(***************************************************************************)
(* Voting with finite sets of values and ballots, and with seeded faults.  *)
(* There is no core to compare it with: acceptors here see all votes.      *)
(***************************************************************************)
EXTENDS Voting

CONSTANT Bugs  \* seeded faults, for models that must fail

ASSUME BugsAssumption == Bugs \subseteq {"AnyValue", "ForgetPromise", "QuorumMinusOne", "Unproposed", "QuorumsApart"}

\* What makes a value that a quorum of the first kind calls safe stay so.
ASSUME QuorumAssumption ==
    /\ Quorum1 \subseteq SUBSET Acceptor /\ Quorum2 \subseteq SUBSET Acceptor
    /\ "QuorumsApart" \notin Bugs => \A Q \in Quorum1, R \in Quorum2 : Q \cap R # {}

MCPropose(v) == Propose(v)

MCPromise(a, b) == Promise(a, b)

MCVote(a, b, v) ==
    IF Bugs \cap {"AnyValue", "ForgetPromise", "Unproposed"} = {} THEN Vote(a, b, v)
    ELSE /\ v \in proposed \/ "Unproposed" \in Bugs
         /\ Allowed(a, b) \/ "ForgetPromise" \in Bugs
         /\ Single(b, v)
         /\ SafeAt(b, v) \/ "AnyValue" \in Bugs
         /\ votes' = [votes EXCEPT ![a] = @ \cup {<<b, v>>}]
         /\ maxBal' = [maxBal EXCEPT ![a] = IF b > @ THEN b ELSE @]
         /\ UNCHANGED <<proposed, learned>>

MCLearn(v) ==
    IF "QuorumMinusOne" \notin Bugs THEN Learn(v)
    ELSE /\ \E Q \in Quorum2, b \in Ballot : Cardinality({a \in Q : ~Voted(a, b, v)}) <= 1
         /\ learned' = learned \cup {v}
         /\ UNCHANGED <<proposed, votes, maxBal>>

-----------------------------------------------------------------------------

RefinesConsensus == C!Spec

OneValue == C!OneValue
ChosenWasProposed == C!ChosenWasProposed
LearnedIsChosen == C!LearnedIsChosen

-----------------------------------------------------------------------------
(* What the invariants speak of does happen: each of these is violated.    *)

NeverChosen == Chosen = {}

NeverLearned == learned = {}

\* A value is chosen in one ballot, and another has votes for another one.
NeverPassesOver == \A b, c \in Ballot, v, w \in Value : ChosenAt(b, v) /\ v # w =>
    \A a \in Acceptor : ~Voted(a, c, w)
=============================================================================
