----------------------------- MODULE ClientSync ------------------------------
(***************************************************************************)
(* The client operation sync: a server asks its leader, which answers once *)
(* all that it had proposed before is applied. Request and answer go the   *)
(* way of every packet, so that the answer comes behind the COMMITs. No    *)
(* quorum is asked: a leader that has lost its own unnoticed answers too.  *)
(*                                                                         *)
(* Source:   Leader.processSync, Leader.sendSync, FollowerRequestProcessor *)
(*           in Apache ZooKeeper 3.9; ZOOKEEPER-2136 would ask a quorum.   *)
(* Mirror:   core/replication/clientSync.ts.                               *)
(***************************************************************************)
EXTENDS Replication

VARIABLES
    syncs   \* syncs[l]: the syncs that wait at leader l, oldest first:
            \*   origin: the server whose client asked
            \*   after:  what leader l had logged by then

NoSyncs == [l \in Server |-> <<>>]

\* Learners that leader l does not serve any more.
Away(l) == IF "KeptSyncs" \in Bugs THEN {} ELSE {i \in Server \ {l} : learners'[l][i].stage # "synced"}

\* Every other step: a leader that leaves forgets its syncs, and those of a learner when their connection ends. With
\* KeptSyncs it keeps the latter, and answers one of a connection that is gone to a client of the next.
HeldSyncs ==
    syncs' = [l \in Server |->
        IF leader'[l] # l THEN <<>> ELSE SelectSeq(syncs[l], LAMBDA w : w.origin \notin Away(l))]

\* A client of follower i asks.
RequestSync(i) ==
    /\ Following(i) /\ Serving(i)
    /\ net' = Sent(net, i, leader[i], <<Packet("REQUEST", ZeroZxid)>>)
    /\ UNCHANGED <<serverVars, diskVars, delivered, syncs>>

\* Leader l hears of it, or of a client of its own.
AskSync(l, i) ==
    /\ Leading(l) /\ Serving(l)
    /\ i = l \/ HeadIs(i, l, "REQUEST")
    /\ syncs' = [syncs EXCEPT ![l] = Append(@, [origin |-> i, after |-> LastOf(log[l])])]
    /\ net' = IF i = l THEN net ELSE Received(net, i, l)
    /\ UNCHANGED <<serverVars, diskVars, delivered>>

\* How many of the syncs of leader l wait for nothing any more.
Due(l) ==
    LET late == {n \in 1..Len(syncs[l]) : Below(LastOf(delivered[l]), syncs[l][n].after)}
    IN  IF late = {} THEN Len(syncs[l]) ELSE (CHOOSE n \in late : \A m \in late : n <= m) - 1

DueOf(l, i) == SelectSeq(Prefix(syncs[l], Due(l)), LAMBDA w : w.origin = i)

\* Leader l answers them: its own clients, and a packet for each to their servers.
ReleaseSyncs(l) ==
    /\ Due(l) > 0
    /\ syncs' = [syncs EXCEPT ![l] = SubSeq(@, Due(l) + 1, Len(@))]
    /\ net' = SentToAll(net, l, LAMBDA i : [n \in 1..Len(DueOf(l, i)) |-> Packet("SYNC", ZeroZxid)])
    /\ UNCHANGED <<serverVars, diskVars, delivered>>

\* Follower i gets the answer to the oldest sync of its clients.
Synced(i, l) ==
    /\ FromLeader(i, l) /\ Serving(i)
    /\ HeadIs(l, i, "SYNC")
    /\ net' = Received(net, l, i)
    /\ UNCHANGED <<serverVars, diskVars, delivered, syncs>>
=============================================================================
