------------------------------- MODULE Doors -------------------------------
(***************************************************************************)
(* Two doors and at most Limit moves: small enough to know its graph.      *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets, Sequences, TLC

CONSTANTS a, b, Limit

VARIABLES
    open,   \* the doors that stand open
    moves,  \* so many moves were made
    note    \* a record whose fields TLC prints in an order of its own

vars == <<open, moves, note>>

Init ==
    /\ open = {}
    /\ moves = 0
    /\ note = [last |-> "none \"yet\" \\", seen |-> [d \in {a, b} |-> 0], trail |-> << >>]

Move(d) ==
    /\ moves < Limit
    /\ moves' = moves + 1
    /\ note' = [last |-> "moved", seen |-> [note.seen EXCEPT ![d] = 1], trail |-> Append(note.trail, d)]

Open(d) == d \notin open /\ open' = open \cup {d} /\ Move(d)

Close(d) == d \in open /\ open' = open \ {d} /\ Move(d)

\* One operator a binding, a conjunction each: so the edges of the dump tell the door.
Open_a == TRUE /\ Open(a)
Open_b == TRUE /\ Open(b)
Close_a == TRUE /\ Close(a)
Close_b == TRUE /\ Close(b)

Next == Open_a \/ Open_b \/ Close_a \/ Close_b

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
TypeOK == open \subseteq {a, b} /\ moves \in 0..Limit

\* Wrong on purpose, each.
NeverBoth == open # {a, b}
NeverEmpty == open # {}
NeverMoves == [][moves' = 0]_vars
AllOpenInTheEnd == <>(open = {a, b})
Nonsense == moves < 1 \/ open + 1 = 2
Small == moves < 2
Says == PrintT(<<"moves", moves>>)
=============================================================================
