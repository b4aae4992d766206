------------------------------- MODULE Paxos -------------------------------
(***************************************************************************)
(* Single-decree Paxos. The owner of a ballot asks the acceptors for       *)
(* promises not to vote below it (1a); they answer with their last vote    *)
(* (1b); with a quorum of answers it asks for votes (2a) for the value of  *)
(* the highest vote it was told of, or for its own; they vote (2b); who    *)
(* hears of a quorum of votes in one ballot has learned the chosen value.  *)
(*                                                                         *)
(* What a process must not forget is asked of its disk in one step and     *)
(* answered in another; only the answer speaks to others. Between the two  *)
(* it may stop, and the disk may or may not have what was asked.           *)
(*                                                                         *)
(* Messages are never taken back: each may arrive at any time, in any      *)
(* order, any number of times, or never.                                   *)
(*                                                                         *)
(* Source:   Lamport: The Part-Time Parliament (1998), Paxos Made Simple   *)
(*           (2001).                                                       *)
(* Refines:  Voting (checked in PaxosProof).                               *)
(* Mirror:   core/paxos.ts, one exported function for each action of a     *)
(*           process; Crash is the world's (conformance/world/post.ts).    *)
(***************************************************************************)
EXTENDS Integers, FiniteSets, Sequences

CONSTANTS
    Acceptor,   \* ids of the processes that vote
    Learner,    \* ids of those that learn; a process may have several roles
    Proposers,  \* ids of those that begin ballots, in the order in which they own them
    Value,      \* naturals above 0; 0 stands for none
    Quorum1,    \* sets of acceptors whose promises let a ballot ask for votes
    Quorum2,    \* sets of acceptors whose votes choose a value
    None,       \* nothing asked, no attempt
    Bugs        \* seeded faults, for models that must fail

ASSUME ProcessAssumption ==
    /\ Acceptor \subseteq Nat /\ IsFiniteSet(Acceptor) /\ Acceptor # {}
    /\ Learner \subseteq Nat /\ IsFiniteSet(Learner)
    /\ Proposers \in Seq(Nat) /\ Len(Proposers) > 0
ASSUME ValueAssumption == Value \subseteq Nat \ {0}
ASSUME BugsAssumption ==
    Bugs \subseteq {"AnswerBeforeSave", "AnyValue", "ForgetBallot", "ForgetPromise", "InventValue",
             "QuorumMinusOne", "QuorumsApart"}
\* All that the two kinds of quorums have to be.
ASSUME QuorumAssumption ==
    /\ Quorum1 \subseteq SUBSET Acceptor /\ Quorum2 \subseteq SUBSET Acceptor
    /\ "QuorumsApart" \notin Bugs => \A Q \in Quorum1, R \in Quorum2 : Q \cap R # {}

VARIABLES
    ballot,    \* ballot[p]: the highest ballot that proposer p has begun; durable
    attempt,   \* attempt[p]: where p stands in that ballot until it has asked for votes
    promised,  \* promised[a]: acceptor a does not vote below this ballot; durable
    vote,      \* vote[a]: its last vote; durable
    asked,     \* asked[i]: what process i has asked its disk to keep and was not answered yet
    heard,     \* heard[l][a]: the vote of the highest ballot that learner l has heard from a
    learned,   \* learned[l]: the value that l has learned, 0 before
    sent       \* every message that was ever sent

proposerVars == <<ballot, attempt>>
acceptorVars == <<promised, vote>>
learnerVars == <<heard, learned>>
vars == <<ballot, attempt, promised, vote, asked, heard, learned, sent>>

Proposer == {Proposers[k] : k \in 1..Len(Proposers)}

Process == Acceptor \cup Learner \cup Proposer

\* Ballots are dealt out in turn.
OwnerOf(b) == Proposers[((b - 1) % Len(Proposers)) + 1]

NoVote == [ballot |-> 0, value |-> 0]

Vote == [ballot : Nat \ {0}, value : Value] \cup {NoVote}

Prepare1a(b)      == [type |-> "1a", ballot |-> b]
Promise1b(a, b, w) == [type |-> "1b", from |-> a, ballot |-> b, vote |-> w]
Accept2a(b, v)    == [type |-> "2a", ballot |-> b, value |-> v]
Voted2b(a, b, v)  == [type |-> "2b", from |-> a, ballot |-> b, value |-> v]

IsMessage(m) ==
    /\ m.ballot \in Nat \ {0}
    /\ \/ m = Prepare1a(m.ballot)
       \/ m.type = "1b" /\ m.from \in Acceptor /\ m.vote.ballot < m.ballot
          /\ m = Promise1b(m.from, m.ballot, m.vote)
       \/ m.type = "2a" /\ m.value \in Value /\ m = Accept2a(m.ballot, m.value)
       \/ m.type = "2b" /\ m.from \in Acceptor /\ m.value \in Value /\ m = Voted2b(m.from, m.ballot, m.value)

IsVote(w) == w = NoVote \/ (DOMAIN w = {"ballot", "value"} /\ w.ballot \in Nat \ {0} /\ w.value \in Value)

IsAttempt(t) ==
    /\ DOMAIN t = {"value", "answered", "best"}
    /\ t.value \in Value /\ t.answered \subseteq Acceptor /\ IsVote(t.best)

IsAsked(q) ==
    /\ DOMAIN q = {"file", "ballot", "value"}
    /\ q.ballot \in Nat \ {0}
    /\ \/ q.file \in {"ballot", "vote"} /\ q.value \in Value
       \/ q.file = "promise" /\ q.value = 0

TypeOK ==
    /\ ballot \in [Proposer -> Nat]
    /\ \A p \in Proposer : attempt[p] # None => IsAttempt(attempt[p])
    /\ promised \in [Acceptor -> Nat]
    /\ \A a \in Acceptor : IsVote(vote[a])
    /\ \A i \in Process : asked[i] # None => IsAsked(asked[i])
    /\ \A l \in Learner, a \in Acceptor : IsVote(heard[l][a])
    /\ learned \in [Learner -> Value \cup {0}]
    /\ \A m \in sent : IsMessage(m)

-----------------------------------------------------------------------------
(* Quorums                                                                 *)

Contains(S, quorums) ==
    \E Q \in quorums : Cardinality(Q \ S) <= IF "QuorumMinusOne" \in Bugs THEN 1 ELSE 0

-----------------------------------------------------------------------------
(* Guards                                                                  *)

\* One question at a time: what comes meanwhile waits, or is lost and sent again.
Idle(i) == asked[i] = None

Asked(i, file) == asked[i] # None /\ asked[i].file = file

\* No ballot is begun twice, or it might ask for votes for two values.
Higher(p, b) == b > ballot[p]

\* Nobody else is sent these messages, nor begins these ballots; the core refuses.
Owns(p, b) == OwnerOf(b) = p
IsAcceptor(i) == i \in Acceptor
IsLearner(i) == i \in Learner
FromAcceptor(i) == i \in Acceptor

-----------------------------------------------------------------------------
(* Actions of a proposer                                                   *)

Init ==
    /\ ballot = [p \in Proposer |-> 0]
    /\ attempt = [p \in Proposer |-> None]
    /\ promised = [a \in Acceptor |-> 0]
    /\ vote = [a \in Acceptor |-> NoVote]
    /\ asked = [i \in Process |-> None]
    /\ heard = [l \in Learner |-> [a \in Acceptor |-> NoVote]]
    /\ learned = [l \in Learner |-> 0]
    /\ sent = {}

Ask(i, file, b, v) == asked' = [asked EXCEPT ![i] = [file |-> file, ballot |-> b, value |-> v]]

Answered(i) == asked' = [asked EXCEPT ![i] = None]

\* The owner of ballot b is told to have v chosen by it.
Prepare(b, v) ==
    /\ Idle(OwnerOf(b))
    /\ Higher(OwnerOf(b), b)
    /\ Ask(OwnerOf(b), "ballot", b, v)
    /\ UNCHANGED <<proposerVars, acceptorVars, learnerVars, sent>>

\* Proposer p will not begin this ballot again, even after a crash: now it asks for promises.
BallotSaved(p) ==
    /\ Asked(p, "ballot")
    /\ ballot' = [ballot EXCEPT ![p] = asked[p].ballot]
    /\ attempt' = [attempt EXCEPT ![p] = [value |-> asked[p].value, answered |-> {}, best |-> NoVote]]
    /\ Answered(p)
    /\ sent' = sent \cup {Prepare1a(asked[p].ballot)}
    /\ UNCHANGED <<acceptorVars, learnerVars>>

\* The owner of ballot b is handed the promise of acceptor a, whose last vote was for value vv in ballot vb. With
\* the promises of a quorum it asks for votes: for the value of the highest vote, since that may have been chosen.
Handle1b(a, b, vb, vv) ==
    LET p == OwnerOf(b)
        w == [ballot |-> vb, value |-> vv]
        t == attempt[p]
        answered == t.answered \cup {a}
        best == IF vb > t.best.ballot THEN w ELSE t.best
        own == IF "InventValue" \in Bugs THEN CHOOSE v \in Value : v # t.value ELSE t.value
        value == IF best.ballot = 0 \/ "AnyValue" \in Bugs THEN own ELSE best.value
    IN  /\ Promise1b(a, b, w) \in sent
        \* The ballot is over, or was of a life that has ended.
        /\ IF t = None \/ ballot[p] # b
             THEN UNCHANGED <<attempt, sent>>
             ELSE IF Contains(answered, Quorum1)
             THEN /\ attempt' = [attempt EXCEPT ![p] = None]
                  /\ sent' = sent \cup {Accept2a(b, value)}
             ELSE /\ attempt' = [attempt EXCEPT ![p].answered = answered, ![p].best = best]
                  /\ UNCHANGED sent
        /\ UNCHANGED <<ballot, acceptorVars, asked, learnerVars>>

-----------------------------------------------------------------------------
(* Actions of an acceptor                                                  *)

\* Acceptor a is asked for a promise.
Handle1a(a, b) ==
    LET answer == sent \cup {Promise1b(a, b, vote[a])}
    IN  /\ Prepare1a(b) \in sent
        /\ Idle(a)
        /\ IF b > promised[a]
             THEN /\ Ask(a, "promise", b, 0)
                  /\ sent' = IF "AnswerBeforeSave" \in Bugs THEN answer ELSE sent
             ELSE /\ UNCHANGED asked
                  \* Promised before, perhaps in an earlier life that ended before it could answer. Once it has voted
                  \* in this ballot the answer is of no use any more.
                  /\ sent' = IF b = promised[a] /\ vote[a].ballot < b THEN answer ELSE sent
        /\ UNCHANGED <<proposerVars, acceptorVars, learnerVars>>

\* The promise is durable: now acceptor a gives it.
PromiseSaved(a) ==
    /\ Asked(a, "promise")
    /\ promised' = [promised EXCEPT ![a] = asked[a].ballot]
    /\ Answered(a)
    /\ sent' = sent \cup {Promise1b(a, asked[a].ballot, vote[a])}
    /\ UNCHANGED <<proposerVars, vote, learnerVars>>

\* Acceptor a is asked to vote for v.
Handle2a(a, b, v) ==
    /\ Accept2a(b, v) \in sent
    /\ Idle(a)
    /\ IF b < promised[a] /\ "ForgetPromise" \notin Bugs
         THEN UNCHANGED <<asked, sent>>
         ELSE IF vote[a].ballot = b
         \* Voted before: an earlier life may have ended before it could say so.
         THEN sent' = sent \cup {Voted2b(a, b, vote[a].value)} /\ UNCHANGED asked
         ELSE Ask(a, "vote", b, v) /\ UNCHANGED sent
    /\ UNCHANGED <<proposerVars, acceptorVars, learnerVars>>

\* The vote is durable: now acceptor a gives it.
VoteSaved(a) ==
    LET q == asked[a]
    IN  /\ Asked(a, "vote")
        /\ promised' = [promised EXCEPT ![a] = q.ballot]
        /\ vote' = [vote EXCEPT ![a] = [ballot |-> q.ballot, value |-> q.value]]
        /\ Answered(a)
        /\ sent' = sent \cup {Voted2b(a, q.ballot, q.value)}
        /\ UNCHANGED <<proposerVars, learnerVars>>

-----------------------------------------------------------------------------
(* Actions of a learner                                                    *)

Silence == [a \in Acceptor |-> NoVote]

\* Learner l is handed a vote of acceptor a. Of each acceptor it keeps the vote of the highest ballot: if an older
\* ballot chose a value, newer ones vote for the same.
Handle2b(l, a, b, v) ==
    LET w == [ballot |-> b, value |-> v]
        now == [heard[l] EXCEPT ![a] = w]
    IN  /\ Voted2b(a, b, v) \in sent
        /\ IF learned[l] # 0 \/ b <= heard[l][a].ballot
             THEN UNCHANGED learnerVars
             ELSE IF Contains({x \in Acceptor : now[x] = w}, Quorum2)
             THEN /\ learned' = [learned EXCEPT ![l] = v]
                  /\ heard' = [heard EXCEPT ![l] = Silence]
             ELSE /\ heard' = [heard EXCEPT ![l] = now]
                  /\ UNCHANGED learned
        /\ UNCHANGED <<proposerVars, acceptorVars, asked, sent>>

-----------------------------------------------------------------------------
(* Actions of the world                                                    *)

\* Process i stops and starts again with its files. What it had asked for is in them if kept is 1.
Crash(i, kept) ==
    LET q == asked[i]
        Kept(files) == kept = 1 /\ q.file \in files
    IN  /\ kept = 1 => q # None
        /\ ballot' = [p \in Proposer |->
              IF p # i THEN ballot[p]
              ELSE IF "ForgetBallot" \in Bugs THEN 0
              ELSE IF Kept({"ballot"}) THEN q.ballot ELSE ballot[p]]
        /\ attempt' = [p \in Proposer |-> IF p = i THEN None ELSE attempt[p]]
        /\ promised' = [a \in Acceptor |-> IF a = i /\ Kept({"promise", "vote"}) THEN q.ballot ELSE promised[a]]
        /\ vote' = [a \in Acceptor |->
              IF a = i /\ Kept({"vote"}) THEN [ballot |-> q.ballot, value |-> q.value] ELSE vote[a]]
        /\ Answered(i)
        /\ heard' = [l \in Learner |-> IF l = i THEN Silence ELSE heard[l]]
        /\ learned' = [l \in Learner |-> IF l = i THEN 0 ELSE learned[l]]
        /\ UNCHANGED sent
=============================================================================
