----------------------------- MODULE MCZabPaper -----------------------------
(***************************************************************************)
(* Zab at the grain of the paper's messages: a promise is given to the one *)
(* who would lead the epoch, NEWLEADER brings the initial history and the  *)
(* epoch in one piece, then follows one proposal after the other, and what *)
(* a quorum of the epoch has accepted is committed in the same step.       *)
(* Every step is one of Zab's, whose oracle is the promise to one leader   *)
(* here; so that an epoch has one leader is checked, not assumed.          *)
(***************************************************************************)
EXTENDS MCZab

VARIABLES
    backs,  \* <<i, e, l>>: server i has promised epoch e, which has not begun, to server l
    led     \* history: <<l, e>>: server l has begun epoch e

paperVars == <<vars, backs, led>>

Toggled(bug) == bug \in Bugs

Enough(S) == IF Toggled("QuorumMinusOne") THEN 2 * (Cardinality(S) + 1) > Cardinality(Server) ELSE IsQuorum(S)

-----------------------------------------------------------------------------
(* Commit                                                                  *)

CommitChosen ==
    LET chosen == {c \in Epoch \X ((Len(order) + 1)..(Txns + Len(InitialHistory))) : Chosen(c[1], c[2])}
        longest == CHOOSE c \in chosen : \A d \in chosen : d[2] <= c[2]
    IN  /\ order' = IF chosen = {} THEN order ELSE Prefix(primary'[longest[1]].log, longest[2])
        /\ UNCHANGED seen

-----------------------------------------------------------------------------
(* Actions                                                                 *)

\* Server i promises epoch e to l, who has promised it to itself. Once the epoch has begun that need not be kept: the
\* same promise, given before, would not have kept the other from beginning it. The mutant forgets that it has promised.
PaperPromise(i, e, l) ==
    /\ e > promised[i] \/ (Toggled("PromiseTwice") /\ e = promised[i] /\ epoch[i] # e)
    /\ l = i \/ <<l, e, l>> \in backs
    /\ <<i, e, l>> \notin backs
    /\ promised' = [promised EXCEPT ![i] = e]
    /\ acks' = IF Started(e) THEN acks ELSE acks \cup {<<i, e, epoch[i], LastOf(history[i])>>}
    /\ backs' = IF Started(e) THEN backs ELSE backs \cup {<<i, e, l>>}
    /\ UNCHANGED <<epoch, history, primary, led>>

\* No word of whether the epoch has begun: a quorum has promised it to l.
PaperLead(l, e) ==
    /\ promised[l] = e
    /\ \E own \in {a \in acks : a[1] = l /\ a[2] = e} :
          Enough({j \in Server : /\ <<j, e, l>> \in backs
                                 /\ \E a \in acks : /\ a[1] = j /\ a[2] = e
                                                    /\ Toggled("AnyHistory") \/ UpTo(a[3], a[4], own[3], own[4])})
    /\ primary' = [primary EXCEPT ![e] = [init |-> Len(history[l]), log |-> history[l]]]
    /\ epoch' = [epoch EXCEPT ![l] = e]
    /\ acks' = {a \in acks : a[2] # e \/ \E k \in Server \ {l} : <<a[1], e, k>> \in backs}
    /\ backs' = {b \in backs : b[2] # e \/ b[3] # l}
    /\ led' = led \cup {<<l, e>>}
    /\ UNCHANGED <<promised, history>>

\* The mutant goes on in an epoch although it has promised a newer one.
Heeds(i, e) == Started(e) /\ (promised[i] = e \/ (Toggled("NoPromise") /\ epoch[i] <= e))

\* NEWLEADER: the initial history, and perhaps some more. The mutant has the epoch on disk before the history.
TakeOver(i, e, n) ==
    /\ Heeds(i, e) /\ epoch[i] # e
    /\ n \in primary[e].init..Len(primary[e].log)
    /\ epoch' = [epoch EXCEPT ![i] = e]
    /\ history' = IF Toggled("EpochFirst") THEN history ELSE [history EXCEPT ![i] = Prefix(primary[e].log, n)]
    /\ UNCHANGED <<promised, acks, primary, backs, led>>

\* One proposal; for the mutant the initial history comes now.
AcceptNext(i, e) ==
    /\ Heeds(i, e) /\ epoch[i] = e
    /\ LET n == Common(history[i], primary[e].log)
       IN  /\ n < Len(primary[e].log)
           /\ history' = [history EXCEPT ![i] =
                            Prefix(primary[e].log, IF n < primary[e].init THEN primary[e].init ELSE n + 1)]
    /\ UNCHANGED <<promised, epoch, acks, primary, backs, led>>

PaperBroadcast(e) == Cardinality(OwnTxns) < Txns /\ Broadcast(e) /\ UNCHANGED <<backs, led>>

PaperInit == Init /\ backs = {} /\ led = {}

PaperNext ==
    /\ \/ \E i \in Server, e \in Epoch :
            \/ \E l \in Server : PaperPromise(i, e, l)
            \/ PaperLead(i, e)
            \/ AcceptNext(i, e)
            \/ \E n \in 0..Txns + Len(InitialHistory) : TakeOver(i, e, n)
       \/ \E e \in Epoch : PaperBroadcast(e)
    /\ CommitChosen

-----------------------------------------------------------------------------
(* What the oracle of Zab takes for granted.                               *)

\* At most one leader an epoch, by state and by history at once.
Leadership == \A a, b \in led : a[2] = b[2] => a[1] = b[1]

\* A server holds what the primary of its epoch broadcast, in that order, and all of the initial history.
NothingUnexpected == \A i \in Server : epoch[i] \in Epoch =>
    IsPrefix(history[i], primary[epoch[i]].log) /\ Len(history[i]) >= primary[epoch[i]].init

\* Zab forgets all promises of an epoch that has begun, this module only those given to the server that began it.
Plain == INSTANCE Zab WITH acks <- {a \in acks : ~Started(a[2])}

PaperStepsAreZab == [][Plain!Next]_(Plain!vars)
=============================================================================
