------------------------------ MODULE MCPaxos ------------------------------
(***************************************************************************)
(* Paxos with its bounds: which ballots there may be, what their owners    *)
(* may be told to have chosen, and how often a process stops.              *)
(***************************************************************************)
EXTENDS Paxos

CONSTANTS
    Wanted,   \* Wanted[b]: the values that the owner of ballot b may be told to have chosen
    Crashes   \* how often a process stops

VARIABLE crashes  \* what is left of these

mcVars == <<vars, crashes>>

Ballot == DOMAIN Wanted

Free == UNCHANGED crashes

MCInit == Init /\ crashes = Crashes

\* Acceptors 1 and 2 have promised ballot 1, and its owner has asked for votes for value 1; nobody has voted yet.
InitAsked ==
    /\ ballot = [p \in Proposer |-> IF p = OwnerOf(1) THEN 1 ELSE 0]
    /\ attempt = [p \in Proposer |-> None]
    /\ promised = [a \in Acceptor |-> IF a \in {1, 2} THEN 1 ELSE 0]
    /\ vote = [a \in Acceptor |-> NoVote]
    /\ asked = [i \in Process |-> None]
    /\ heard = [l \in Learner |-> Silence]
    /\ learned = [l \in Learner |-> 0]
    /\ sent = {Prepare1a(1), Promise1b(1, 1, NoVote), Promise1b(2, 1, NoVote), Accept2a(1, 1)}
    /\ crashes = Crashes

MCPrepare(b, v) == v \in Wanted[b] /\ Prepare(b, v) /\ Free
MCBallotSaved(p) == BallotSaved(p) /\ Free
MCHandle1a(a, b) == Handle1a(a, b) /\ Free
MCPromiseSaved(a) == PromiseSaved(a) /\ Free
MCHandle1b(a, b, vb, vv) == Handle1b(a, b, vb, vv) /\ Free
MCHandle2a(a, b, v) == Handle2a(a, b, v) /\ Free
MCVoteSaved(a) == VoteSaved(a) /\ Free
MCHandle2b(l, a, b, v) == Handle2b(l, a, b, v) /\ Free
MCCrash(i, kept) == crashes > 0 /\ crashes' = crashes - 1 /\ Crash(i, kept)

-----------------------------------------------------------------------------
(* Properties. A vote counts from when its acceptor has spoken of it.      *)

Votes == [a \in Acceptor |-> {<<m.ballot, m.value>> : m \in {n \in sent : n.type = "2b" /\ n.from = a}}]

V == INSTANCE Voting WITH
    votes <- Votes,
    maxBal <- promised,
    proposed <- UNION {Wanted[b] : b \in Ballot},
    learned <- {learned[l] : l \in Learner} \ {0}

\* At most one value is chosen.
OneValue == V!C!OneValue

\* Once a ballot has chosen a value, higher ones ask for votes for no other: what is chosen stays so.
ChosenStays == \A m \in sent : m.type = "2a" =>
    \A b \in Ballot, v \in Value : b < m.ballot /\ V!ChosenAt(b, v) => m.value = v

\* No acceptor votes where a lower ballot may have chosen something else.
VotesSafe == V!VotesSafe

\* All votes of one ballot are for one value.
OneVotePerBallot == V!OneVotePerBallot

\* Learners learn only what is chosen.
LearnedIsChosen == V!C!LearnedIsChosen

-----------------------------------------------------------------------------
(* Liveness: from some time on one proposer alone tries, with the highest  *)
(* ballot, messages of that ballot arrive, and disks answer. Nothing is    *)
(* assumed of the messages of lower ballots.                               *)

Top == CHOOSE b \in Ballot : \A c \in Ballot : c <= b

FairPrepare == WF_mcVars(\E v \in Wanted[Top] : MCPrepare(Top, v))
FairBallotSaved == \A p \in Proposer : WF_mcVars(MCBallotSaved(p))
FairPromiseSaved == \A a \in Acceptor : WF_mcVars(MCPromiseSaved(a))
FairVoteSaved == \A a \in Acceptor : WF_mcVars(MCVoteSaved(a))
Fair1a == \A a \in Acceptor : WF_mcVars(MCHandle1a(a, Top))
Fair1b == \A a \in Acceptor : WF_mcVars(\E vb \in Ballot \cup {0}, vv \in Value \cup {0} : MCHandle1b(a, Top, vb, vv))
Fair2a == \A a \in Acceptor : WF_mcVars(\E v \in Value : MCHandle2a(a, Top, v))
Fair2b == \A l \in Learner, a \in Acceptor : WF_mcVars(\E v \in Value : MCHandle2b(l, a, Top, v))

Fairness ==
    /\ FairPrepare /\ FairBallotSaved /\ Fair1a /\ FairPromiseSaved
    /\ Fair1b /\ Fair2a /\ FairVoteSaved /\ Fair2b

\* With the fairness of one action taken away, for models that must fail.
FairnessBut1b == FairPrepare /\ FairBallotSaved /\ Fair1a /\ FairPromiseSaved /\ Fair2a /\ FairVoteSaved /\ Fair2b
FairnessButDisk == FairPrepare /\ FairBallotSaved /\ Fair1a /\ FairPromiseSaved /\ Fair1b /\ Fair2a /\ Fair2b

\* Everybody who learns does.
EventuallyLearned == <>(\A l \in Learner : learned[l] # 0)

-----------------------------------------------------------------------------
(* What models that must fail say of states that can be reached            *)

NeverChosen == V!Chosen = {}

NeverLearned == \A l \in Learner : learned[l] = 0

\* A ballot asks for votes for a value that its owner was not told to have chosen.
NeverTakesUp == \A m \in sent : m.type = "2a" => m.value \in Wanted[m.ballot]

\* Two ballots ask for votes for two values: the lower one was not chosen.
NeverPassesOver == \A m, n \in sent : m.type = "2a" /\ n.type = "2a" => m.value = n.value

\* A promise or a vote outlives the process that asked for it, and nobody has been told.
NeverUnspokenPromise == \A a \in Acceptor : Idle(a) /\ promised[a] > 0 =>
    \E m \in sent : m.type \in {"1b", "2b"} /\ m.from = a /\ m.ballot = promised[a]

NeverUnspokenVote == \A a \in Acceptor : vote[a] # NoVote =>
    Voted2b(a, vote[a].ballot, vote[a].value) \in sent
=============================================================================
