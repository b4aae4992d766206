------------------------------- MODULE Voting -------------------------------
(***************************************************************************)
(* Consensus by votes. Acceptors vote in numbered ballots; what a quorum   *)
(* has voted for in one ballot is chosen. An acceptor votes only for a     *)
(* value that is safe: no lower ballot can have chosen another, nor ever   *)
(* will. How it knows is left to whoever refines this; here it sees all.   *)
(*                                                                         *)
(* Two kinds of quorums: one of the first kind has to answer before a      *)
(* value counts as safe, one of the second has to vote for it. Any two of  *)
(* different kinds need to meet, two of one kind need not.                 *)
(*                                                                         *)
(* Source:     Lamport: The Part-Time Parliament (1998), section 2; two    *)
(*             kinds of quorums: Howard, Malkhi, Spiegelman (2016).        *)
(* Refines:    Consensus. Refined by: Paxos (PaxosProof).                  *)
(***************************************************************************)
EXTENDS Integers, FiniteSets

CONSTANTS
    Value,
    Acceptor,
    Ballot,   \* naturals above 0, compared by <
    Quorum1,  \* sets of acceptors: whose answers show that a value is safe
    Quorum2   \* sets of acceptors: whose votes choose it

VARIABLES
    proposed, \* the values that were ever proposed
    votes,    \* votes[a]: what acceptor a has voted for, as pairs <<ballot, value>>
    maxBal,   \* maxBal[a]: the ballot below which a does not vote any more
    learned   \* values that some process has learned to be chosen

vars == <<proposed, votes, maxBal, learned>>

TypeOK ==
    /\ proposed \subseteq Value /\ learned \subseteq Value
    /\ votes \in [Acceptor -> SUBSET (Ballot \X Value)]
    /\ maxBal \in [Acceptor -> Ballot \cup {0}]

-----------------------------------------------------------------------------

Voted(a, b, v) == <<b, v>> \in votes[a]

VotedIn(a, b) == \E v \in Value : Voted(a, b, v)

ChosenAt(b, v) == \E Q \in Quorum2 : \A a \in Q : Voted(a, b, v)

Chosen == {v \in Value : \E b \in Ballot : ChosenAt(b, v)}

\* Some quorum keeps every value but v from being chosen in ballot c, now and for ever.
NoOtherAt(c, v) == \E Q \in Quorum1 : \A a \in Q : Voted(a, c, v) \/ (maxBal[a] > c /\ ~VotedIn(a, c))

SafeAt(b, v) == \A c \in Ballot : c < b => NoOtherAt(c, v)

Allowed(a, b) == b >= maxBal[a]

\* Ballot b is about v alone.
Single(b, v) == \A a \in Acceptor, w \in Value : Voted(a, b, w) => w = v

-----------------------------------------------------------------------------

Init ==
    /\ proposed = {}
    /\ votes = [a \in Acceptor |-> {}]
    /\ maxBal = [a \in Acceptor |-> 0]
    /\ learned = {}

Propose(v) ==
    /\ proposed' = proposed \cup {v}
    /\ UNCHANGED <<votes, maxBal, learned>>

\* Acceptor a promises not to vote below ballot b.
Promise(a, b) ==
    /\ b > maxBal[a]
    /\ maxBal' = [maxBal EXCEPT ![a] = b]
    /\ UNCHANGED <<proposed, votes, learned>>

\* Acceptor a votes for v in ballot b, and promises with it not to vote below.
Vote(a, b, v) ==
    /\ v \in proposed
    /\ Allowed(a, b)
    /\ Single(b, v)
    /\ SafeAt(b, v)
    /\ votes' = [votes EXCEPT ![a] = @ \cup {<<b, v>>}]
    /\ maxBal' = [maxBal EXCEPT ![a] = b]
    /\ UNCHANGED <<proposed, learned>>

Learn(v) ==
    /\ v \in Chosen
    /\ learned' = learned \cup {v}
    /\ UNCHANGED <<proposed, votes, maxBal>>

Next ==
    \/ \E v \in Value : Propose(v) \/ Learn(v)
    \/ \E a \in Acceptor, b \in Ballot : Promise(a, b) \/ \E v \in Value : Vote(a, b, v)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------

OneVotePerBallot == \A a \in Acceptor, b \in Ballot, v \in Value : Voted(a, b, v) => Single(b, v)

VotesSafe == \A a \in Acceptor, b \in Ballot, v \in Value : Voted(a, b, v) => SafeAt(b, v)

C == INSTANCE Consensus WITH chosen <- Chosen

THEOREM Spec => C!Spec
=============================================================================
