----------------------------- MODULE PaxosProof -----------------------------
(***************************************************************************)
(* Paxos refines Voting, and with it Consensus. Both speak of all that was *)
(* ever proposed and learned, which processes forget when they stop:       *)
(* history variables do not. Models of this module are not compared with   *)
(* the core.                                                               *)
(***************************************************************************)
EXTENDS MCPaxos

VARIABLES
    proposed,  \* values that some proposer was told to have chosen
    taught     \* values that some learner has ever learned

proofVars == <<mcVars, proposed, taught>>

Recorded ==
    /\ proposed' = proposed \cup
          {asked'[p].value : p \in {q \in Proposer : asked'[q] # None /\ asked'[q].file = "ballot"}}
    /\ taught' = taught \cup ({learned'[l] : l \in Learner} \ {0})

ProofInit == MCInit /\ proposed = {} /\ taught = {}

ProofPrepare(b, v) == MCPrepare(b, v) /\ Recorded
ProofBallotSaved(p) == MCBallotSaved(p) /\ Recorded
ProofHandle1a(a, b) == MCHandle1a(a, b) /\ Recorded
ProofPromiseSaved(a) == MCPromiseSaved(a) /\ Recorded
ProofHandle1b(a, b, vb, vv) == MCHandle1b(a, b, vb, vv) /\ Recorded
ProofHandle2a(a, b, v) == MCHandle2a(a, b, v) /\ Recorded
ProofVoteSaved(a) == MCVoteSaved(a) /\ Recorded
ProofHandle2b(l, a, b, v) == MCHandle2b(l, a, b, v) /\ Recorded
ProofCrash(i, kept) == MCCrash(i, kept) /\ Recorded

-----------------------------------------------------------------------------

Abs == INSTANCE Voting WITH votes <- Votes, maxBal <- promised, learned <- taught

RefinesVoting == Abs!Spec

RefinesConsensus == Abs!C!Spec

VotingTypeOK == Abs!TypeOK

\* What is chosen was proposed.
ChosenWasProposed == Abs!C!ChosenWasProposed

\* What was learned in any life is chosen.
TaughtIsChosen == Abs!C!LearnedIsChosen
=============================================================================
