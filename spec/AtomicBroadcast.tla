-------------------------- MODULE AtomicBroadcast --------------------------
(***************************************************************************)
(* What a client may rely on: there is one order of transactions; it only  *)
(* grows; each serving server has applied a prefix of it. Nothing is lost, *)
(* nothing is invented, primaries do not interleave.                       *)
(*                                                                         *)
(* Source:   Junqueira, Reed, Serafini: Zab (DSN 2011), section III.       *)
(* Refined by: Zab, Replication.                                           *)
(***************************************************************************)
EXTENDS Integers, Sequences

CONSTANTS Server

VARIABLES
    broadcast, \* the transactions (zxids) that some primary has broadcast
    order,     \* those that are committed, in the one order
    seen       \* seen[i]: how many of them serving server i has applied; 0 while it does not serve

vars == <<broadcast, order, seen>>

IsPrefix(s, t) == Len(s) <= Len(t) /\ s = SubSeq(t, 1, Len(s))

\* Primary order: epochs do not fall, and within an epoch counters follow each other.
PrimaryOrder(s) == \A n \in 1..Len(s) - 1 :
    \/ s[n + 1] = <<s[n][1], s[n][2] + 1>>
    \/ s[n][1] < s[n + 1][1] /\ s[n + 1][2] = 1

\* The order may grow by several transactions at once: a new leader commits all that it took over.
Grow ==
    /\ IsPrefix(order, order')
    /\ \A n \in 1..Len(order') : order'[n] \in broadcast'
    /\ PrimaryOrder(order')

\* A server applies more, or stops serving and begins anew.
Apply == \A i \in Server : seen'[i] = 0 \/ (seen'[i] >= seen[i] /\ seen'[i] <= Len(order'))

Init ==
    /\ \A n \in 1..Len(order) : order[n] \in broadcast
    /\ PrimaryOrder(order)
    /\ seen = [i \in Server |-> 0]

Next == broadcast \subseteq broadcast' /\ Grow /\ Apply

Spec == Init /\ [][Next]_vars
=============================================================================
