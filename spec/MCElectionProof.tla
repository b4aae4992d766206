-------------------------- MODULE MCElectionProof --------------------------
(***************************************************************************)
(* Election refines ElectionContract.  The contract speaks of all that was *)
(* ever backed, which no server remembers: a history variable does.        *)
(* Models of this module are not compared with the core.                   *)
(***************************************************************************)
EXTENDS MCElection

CONSTANT Round  \* the rounds that the bounds allow

VARIABLE backed  \* <<r, i, l>>: in round r voter i has proposed l

proofVars == <<mcVars, backed>>

BackedNow == {<<round[i], i, proposal[i].leader>> : i \in {j \in Voter : Looking(j)}}

Recorded == backed' = backed \cup BackedNow'

ProofInit == MCInit /\ backed = BackedNow

ProofInitBegun == InitBegun /\ backed = BackedNow

ProofStartElection(i) == MCStartElection(i) /\ Recorded
ProofHandleNotification(i, j) == MCHandleNotification(i, j) /\ Recorded
ProofDecide(i) == MCDecide(i) /\ Recorded
ProofResendNotifications(i) == MCResendNotifications(i) /\ Recorded
ProofUpdateVoteEpoch(i) == MCUpdateVoteEpoch(i) /\ Recorded
ProofTransmit(i, j) == MCTransmit(i, j) /\ Recorded
ProofBreak(i, j) == MCBreak(i, j) /\ Recorded
ProofCrash(i) == MCCrash(i) /\ Recorded

-----------------------------------------------------------------------------

Leader == [i \in Voter |-> IF Settled(i) THEN vote[i].leader ELSE None]

Above(i, j) == Better(InitialVote(i), InitialVote(j))

Contract == INSTANCE ElectionContract
    WITH Server <- Voter, role <- [i \in Voter |-> role[i]], leader <- Leader, Outranks <- Above

\* Models that begin after all first elections have begun are in the middle of the contract's life.
ContractSteps == [][Contract!Next]_<<Contract!vars>>

Refines == Contract!Spec

\* The two assumptions, as states see them.
FollowsSupported == \A i \in Voter : Settled(i) => Contract!Elected(vote[i].leader)

BackersKnowNoBetter == \A b \in backed : ~Above(b[2], b[3])

BestOfQuorumLeads == Contract!BestOfQuorum

ContractTypeOK == Contract!TypeOK

NeverElected == \A i \in Voter : ~Contract!Elected(i)

NeverBacksAnother == \A b \in backed : b[2] = b[3]
=============================================================================
