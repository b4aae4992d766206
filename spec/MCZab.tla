------------------------------- MODULE MCZab -------------------------------
(***************************************************************************)
(* Zab with bounds, and with every next state spelled out so that TLC can  *)
(* go through them: Accept, Commit and Apply of Zab say what may become    *)
(* of a state; here each names what it becomes.                            *)
(***************************************************************************)
EXTENDS Zab

CONSTANTS
    Txns,    \* how many transactions may be broadcast
    Watched, \* the servers whose applying is gone through; it does not touch the others
    Bugs     \* seeded mutants

ASSUME BugsAssumption ==
    Bugs \subseteq {"AnyHistory", "NoPromise", "QuorumMinusOne", "PromiseTwice", "EpochFirst"}

OwnTxns == UNION {{<<e, n>> : n \in {k \in 1..Len(primary[e].log) : primary[e].log[k][1] = e}} : e \in Epoch}

MCPromise(i, e) == Promise(i, e) /\ UNCHANGED <<order, seen>>

\* The mutant lets anybody begin an epoch with its own history.
MCLead(l, e) ==
    /\ IF "AnyHistory" \in Bugs
         THEN /\ ~Started(e) /\ \E a \in acks : a[1] = l /\ a[2] = e
              /\ primary' = [primary EXCEPT ![e] = [init |-> Len(history[l]), log |-> history[l]]]
              /\ epoch' = [epoch EXCEPT ![l] = e]
              /\ acks' = {a \in acks : a[2] # e}
              /\ UNCHANGED <<promised, history>>
         ELSE Lead(l, e)
    /\ UNCHANGED <<order, seen>>

MCBroadcast(e) == Cardinality(OwnTxns) < Txns /\ Broadcast(e) /\ UNCHANGED <<order, seen>>

\* The mutant goes on accepting in an epoch that it has promised not to.
Current(i) == IF "NoPromise" \in Bugs THEN Epoch ELSE {promised[i]} \cap Epoch

\* Server i cuts its history to n entries, or takes over n entries of the epoch's, and perhaps the epoch.
MCAccept(i, n, whole, own) ==
    \E e \in Current(i) :
        LET p == primary[e]
            h == IF whole THEN Prefix(p.log, n) ELSE Prefix(history[i], n)
        IN  /\ Started(e) /\ n <= Len(IF whole THEN p.log ELSE history[i])
            /\ history' = [history EXCEPT ![i] = h]
            /\ epoch' = [epoch EXCEPT ![i] = IF own THEN e ELSE @]
            /\ own => IsPrefix(Prefix(p.log, p.init), h) /\ IsPrefix(h, p.log)
            /\ IF epoch[i] = e
                 THEN \/ IsPrefix(history[i], h)
                      \/ Len(h) >= p.init /\ IsQuorum({j \in Server : epoch'[j] >= e /\ IsPrefix(order, history'[j])})
                 ELSE Len(h) >= Common(history[i], p.log)
            /\ <<history', epoch'>> # <<history, epoch>>
            /\ UNCHANGED <<promised, acks, primary, order, seen>>

MCCommit(e, n) ==
    /\ Inside
    /\ Chosen(e, n) /\ n > Len(order)
    /\ order' = Prefix(primary[e].log, n)
    /\ UNCHANGED seen

MCApply(i) == seen[i] < Len(order) /\ seen' = [seen EXCEPT ![i] = @ + 1] /\ Inside /\ UNCHANGED order

MCNext ==
    \/ \E i \in Server, e \in Epoch : MCPromise(i, e) \/ MCLead(i, e)
    \/ \E i \in Server, n \in 0..Txns + Len(InitialHistory), whole, own \in BOOLEAN : MCAccept(i, n, whole, own)
    \/ \E e \in Epoch : MCBroadcast(e) \/ \E n \in 0..Txns + Len(InitialHistory) : MCCommit(e, n)
    \/ \E i \in Watched : MCApply(i)

MCSpec == Init /\ [][MCNext]_vars

\* Each step spelled out is one of Zab's.
StepsAreZab == [][Next]_vars

\* Zab gives what AtomicBroadcast promises.
RefinesAtomicBroadcast == AB!Spec

\* What a quorum has accepted in an epoch agrees with what is committed.
ChosenAgree == \A e \in Epoch : \A n \in 0..Len(primary[e].log) :
    (/\ Started(e) /\ n >= primary[e].init
     /\ IsQuorum({i \in Server : epoch[i] >= e /\ IsPrefix(Prefix(primary[e].log, n), history[i])}))
    => IsPrefix(Prefix(primary[e].log, n), order) \/ IsPrefix(order, Prefix(primary[e].log, n))

\* Reachable: an epoch commits what an earlier one has broadcast.
NeverCommitsOlder == ~\E n \in 1..Len(order), e \in Epoch :
    /\ order[n][1] \in Epoch /\ e > order[n][1] /\ Started(e) /\ primary[e].init >= n /\ Len(primary[e].log) >= n
    /\ \A i \in Server : Len(history[i]) >= n => epoch[i] >= e

-----------------------------------------------------------------------------
(* The invariants of the specification that ZooKeeper's own project        *)
(* publishes, by its names; Leadership is in MCZabPaper.                   *)

\* What server i may have delivered: all of its history that is committed.
Deliverable(i) == Prefix(history[i], Common(history[i], order))

\* Whatever two servers may deliver is the same as far as both go.
PrefixConsistency == \A i, j \in Server :
    IsPrefix(Deliverable(i), Deliverable(j)) \/ IsPrefix(Deliverable(j), Deliverable(i))

\* Only what was broadcast is committed, and once.
Integrity ==
    /\ \A n \in 1..Len(order) :
         \/ \E k \in 1..Len(InitialHistory) : order[n] = InitialHistory[k]
         \/ \E e \in Epoch : \E k \in 1..Len(primary[e].log) : order[n] = primary[e].log[k] /\ order[n][1] = e
    /\ \A m, n \in 1..Len(order) : order[m] = order[n] => m = n

\* What is committed is on a quorum that has taken over an epoch in which it was chosen: whoever leads next has it.
Agreement == Len(order) = Len(InitialHistory) \/
    \E e \in Epoch : /\ Started(e) /\ IsPrefix(order, primary[e].log)
                     /\ IsQuorum({i \in Server : epoch[i] >= e /\ IsPrefix(order, history[i])})

\* What was committed stays so, where it was.
TotalOrder == [][IsPrefix(order, order')]_vars

LocalPrimaryOrder == \A n \in 1..Len(order) - 1 :
    order[n][1] = order[n + 1][1] => order[n + 1][2] = order[n][2] + 1

GlobalPrimaryOrder == \A n \in 1..Len(order) - 1 : order[n][1] <= order[n + 1][1]

\* Before a primary broadcasts it has what older epochs have committed.
PrimaryIntegrity == \A e \in Epoch, n \in 1..Len(order) :
    (Started(e) /\ order[n][1] < e) => (n <= primary[e].init /\ primary[e].log[n] = order[n])
=============================================================================
