-------------------------------- MODULE Zab --------------------------------
(***************************************************************************)
(* The protocol of the paper, without its messages: servers promise        *)
(* epochs, the best of a quorum of promises gives an epoch its initial     *)
(* history, servers take that history over and then accept what the        *)
(* epoch's primary broadcasts; what a quorum has accepted is committed.    *)
(* Who leads is an oracle's choice: Lead is one step.                      *)
(*                                                                         *)
(* Source:   Junqueira, Reed, Serafini: Zab (DSN 2011), section IV.        *)
(* Refines:  AtomicBroadcast. Refined by: Replication (ReplicationProof).  *)
(***************************************************************************)
EXTENDS Integers, FiniteSets, Sequences

CONSTANTS
    Server,
    Epoch,       \* the epochs that may ever be used: naturals above that of InitialHistory
    InitialHistory

VARIABLES
    promised,  \* promised[i]: highest epoch that i has promised (f.p in the paper)
    epoch,     \* epoch[i]: the epoch whose history i has taken over (f.a)
    history,   \* history[i]: what i has accepted, durably (h_f)
    acks,      \* promises of epochs that have not begun: <<server, epoch promised, its epoch then, its last zxid then>>
    primary,   \* primary[e]: [init, log]: length of the initial history of epoch e, and all that it comprises
    order,     \* what is committed
    seen       \* seen[i]: how much of it server i has applied while it serves

vars == <<promised, epoch, history, acks, primary, order, seen>>

NoPrimary == [init |-> -1, log |-> <<>>]
Started(e) == primary[e].init # -1

LastOf(s) == IF s = <<>> THEN <<0, 0>> ELSE s[Len(s)]
Prefix(s, n) == SubSeq(s, 1, n)
IsPrefix(s, t) == Len(s) <= Len(t) /\ s = Prefix(t, Len(s))
IsQuorum(S) == 2 * Cardinality(S) > Cardinality(Server)
Max(S) == CHOOSE n \in S : \A m \in S : m <= n
ZxidUpTo(z, w) == z[1] < w[1] \/ (z[1] = w[1] /\ z[2] <= w[2])
UpTo(e, z, f, w) == e < f \/ (e = f /\ ZxidUpTo(z, w))

\* How long two histories are the same.
Common(s, t) == Max({n \in 0..Len(s) : n <= Len(t) /\ Prefix(s, n) = Prefix(t, n)})

\* What a server says of its epoch: a history that ends in epoch e shows that e was reached.
Said(i) == {epoch[i], Max({epoch[i], LastOf(history[i])[1]})}

-----------------------------------------------------------------------------
(* Phase 1: discovery                                                      *)

\* Server i promises epoch e to whoever would lead it, and says how far it is.
Promise(i, e) ==
    /\ e > promised[i]
    /\ promised' = [promised EXCEPT ![i] = e]
    /\ \E f \in Said(i) : acks' = IF Started(e) THEN acks ELSE acks \cup {<<i, e, f, LastOf(history[i])>>}
    /\ UNCHANGED <<epoch, history, primary>>

\* Server l, with a quorum of promises and the best history among them, begins epoch e with its own.
Lead(l, e) ==
    /\ ~Started(e)
    /\ \E own \in {a \in acks : a[1] = l /\ a[2] = e} :
          IsQuorum({j \in Server : \E a \in acks : a[1] = j /\ a[2] = e /\ UpTo(a[3], a[4], own[3], own[4])})
    /\ primary' = [primary EXCEPT ![e] = [init |-> Len(history[l]), log |-> history[l]]]
    /\ epoch' = [epoch EXCEPT ![l] = e]
    /\ acks' = {a \in acks : a[2] # e}
    /\ UNCHANGED <<promised, history>>

-----------------------------------------------------------------------------
(* Phase 2: synchronisation; phase 3: broadcast                            *)

\* Server i goes towards the history of the epoch that it has promised: it drops what is not in it, accepts what is.
\* Once it has all of the initial history the epoch is its own; from then on it accepts more. The paper's followers only
\* do that; ZooKeeper's leader may have a returning follower cut what was not committed when it chose the cut, and
\* sends it again: others may have committed it meanwhile, but a quorum of the epoch keeps it. The cut never
\* reaches into the initial history.
Accept(i) ==
    LET e == promised[i]
        p == primary[e]
        h == history'[i]
        same == Common(history[i], p.log)
    IN  /\ e \in Epoch /\ Started(e)
        /\ \A j \in Server \ {i} : history'[j] = history[j] /\ epoch'[j] = epoch[j]
        /\ IsPrefix(h, p.log) \/ IsPrefix(h, history[i])
        /\ IF epoch[i] = e
             THEN \/ IsPrefix(history[i], h)
                  \/ Len(h) >= p.init /\ IsQuorum({j \in Server : epoch'[j] >= e /\ IsPrefix(order, history'[j])})
             ELSE Len(h) >= same /\ Prefix(h, same) = Prefix(history[i], same)
        /\ \/ epoch'[i] = epoch[i]
           \/ epoch'[i] = e /\ IsPrefix(Prefix(p.log, p.init), h) /\ IsPrefix(h, p.log)
        /\ UNCHANGED <<promised, acks, primary>>

\* The primary of epoch e broadcasts its next transaction.
Broadcast(e) ==
    LET last == LastOf(primary[e].log)
        c    == IF last[1] = e THEN last[2] + 1 ELSE 1
    IN  /\ Started(e)
        /\ primary' = [primary EXCEPT ![e].log = Append(@, <<e, c>>)]
        /\ UNCHANGED <<promised, epoch, history, acks>>

\* The first n transactions of epoch e are on the disks of a quorum that has taken the epoch over. (Primed: in the
\* state that the step leads to.)
Chosen(e, n) ==
    /\ primary'[e].init # -1 /\ n >= primary'[e].init /\ n <= Len(primary'[e].log)
    /\ IsQuorum({i \in Server : epoch'[i] >= e /\ IsPrefix(Prefix(primary'[e].log, n), history'[i])})

Commit ==
    \/ order' = order
    \/ \E e \in Epoch : /\ Len(order') > Len(order)
                        /\ IsPrefix(order', primary'[e].log)
                        /\ Chosen(e, Len(order'))

Apply == \A i \in Server : seen'[i] = 0 \/ (seen'[i] >= seen[i] /\ seen'[i] <= Len(order'))

-----------------------------------------------------------------------------

Init ==
    /\ promised = [i \in Server |-> LastOf(InitialHistory)[1]]
    /\ epoch = [i \in Server |-> LastOf(InitialHistory)[1]]
    /\ history = [i \in Server |-> InitialHistory]
    /\ acks = {}
    /\ primary = [e \in Epoch |-> NoPrimary]
    /\ order = InitialHistory
    /\ seen = [i \in Server |-> 0]

Inside == UNCHANGED <<promised, epoch, history, acks, primary>>

\* One server or one primary acts; what becomes committed and is applied by that is part of the step.
Next ==
    /\ \/ Inside
       \/ \E i \in Server, e \in Epoch : Promise(i, e) \/ Lead(i, e)
       \/ \E i \in Server : Accept(i)
       \/ \E e \in Epoch : Broadcast(e)
    /\ Commit
    /\ Apply

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------

AB == INSTANCE AtomicBroadcast WITH
    broadcast <- {order[n] : n \in 1..Len(order)} \cup
                 UNION {{primary[e].log[n] : n \in 1..Len(primary[e].log)} : e \in Epoch}

THEOREM Spec => AB!Spec
=============================================================================
