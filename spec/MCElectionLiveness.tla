------------------------- MODULE MCElectionLiveness -------------------------
(***************************************************************************)
(* Does an election end?  Once faults have stopped, servers go on giving   *)
(* up roles that lead nowhere, as often as it takes: nothing bounds the    *)
(* rounds here.  What keeps the model finite is that only the distance of  *)
(* rounds matters: Rebase moves all of them down.                          *)
(*                                                                         *)
(* What is assumed of time is written as guards: see TimelyDecide, GiveUp. *)
(* What is assumed of scheduling is Fairness.                              *)
(***************************************************************************)
EXTENDS MCElection

CONSTANTS
    Timely,  \* does a server decide only when all that was sent to it has been read?
    Patient, \* does a server give up a fruitless role only when the election has become quiet?
    Paced,   \* does a server resend only when nothing is on its way any more?
    Unfair   \* names of actions of which no fairness is assumed, for models that must fail

-----------------------------------------------------------------------------
(* Time                                                                    *)

\* ZooKeeper waits 200 ms for more before it decides: longer than a notification takes.
AllReadBy(i) == \A j \in Server : slot[j][i] = None /\ wire[j][i] = <<>>

MayDecide(i) == Agreed(i) /\ (Timely => AllReadBy(i))

\* A server waits initLimit ticks for its leader, or for its followers: longer than an election takes to become quiet.
Quiet == \A i \in Server : AllReadBy(i) /\ ~Agreed(i)

Following(l) == {j \in Voter : Settled(j) /\ vote[j].leader = l}

\* The leader that i follows does not lead, or a quorum does not follow the leader i.
Fruitless(i) ==
    /\ Settled(i)
    /\ Patient => Quiet
    /\ IF role[i] = "LEADING" THEN ~IsQuorum(Following(i)) ELSE role[vote[i].leader] # "LEADING"

-----------------------------------------------------------------------------
(* Rounds, relative to the lowest that anybody knows of. They grow only    *)
(* when a server gives up, so that is the time to move them down.          *)

RoundOf(n) == IF n = None THEN 0 ELSE n.round

Rounds ==
    {round[i] : i \in Server}
    \cup {RoundOf(received[i][j]) : i \in Server, j \in Voter}
    \cup {RoundOf(outOfElection[i][j]) : i \in Server, j \in Voter}
    \cup {RoundOf(slot[i][j]) : i, j \in Server}
    \cup {RoundOf(latest[i][j]) : i, j \in Server}
    \cup UNION {{wire[i][j][k].round : k \in DOMAIN wire[i][j]} : i, j \in Server}

\* Servers that have not started are in round 0.
Lowest == LET all == Rounds \ {0} IN IF all = {} THEN 1 ELSE CHOOSE r \in all : \A q \in all : r <= q

Lowered(n, by) == IF n = None THEN None ELSE [n EXCEPT !.round = @ - by]

Rebase ==
    /\ \E i \in Server : Fruitless(i)
    /\ Lowest > 1
    /\ LET by == Lowest - 1
       IN  /\ round' = [i \in Server |-> IF round[i] = 0 THEN 0 ELSE round[i] - by]
           /\ received' = [i \in Server |-> [j \in Voter |-> Lowered(received[i][j], by)]]
           /\ outOfElection' = [i \in Server |-> [j \in Voter |-> Lowered(outOfElection[i][j], by)]]
           /\ slot' = [i \in Server |-> [j \in Server |-> Lowered(slot[i][j], by)]]
           /\ latest' = [i \in Server |-> [j \in Server |-> Lowered(latest[i][j], by)]]
           /\ wire' = [i \in Server |-> [j \in Server |-> [k \in DOMAIN wire[i][j] |-> Lowered(wire[i][j][k], by)]]]
    /\ UNCHANGED <<role, initial, proposal, vote, budget>>

-----------------------------------------------------------------------------
(* Actions                                                                 *)

LiveHandleNotification(i, j) == MCHandleNotification(i, j)
LiveDecide(i) == MayDecide(i) /\ MCDecide(i)

\* As a bound, one notification at a time is on its way; the others wait in their slots.
LiveTransmit(i, j) == (\A k, l \in Server : wire[k][l] = <<>>) /\ Transmit(i, j) /\ Free

LiveStart(i) == round[i] = 0 /\ StartElection(i, InitialVote(i).epoch, InitialVote(i).zxid) /\ Free
LiveGiveUp(i) ==
    /\ Fruitless(i)
    /\ Lowest = 1
    /\ StartElection(i, InitialVote(i).epoch, InitialVote(i).zxid)
    /\ Free

LiveCrash(i) == round[i] > 0 /\ MCCrash(i)
LiveBreak(i, j) == MCBreak(i, j)

\* ZooKeeper resends after a while without news, and waits twice as long each time: longer, at last, than all that was
\* sent is on its way. Even so a decision is disabled again and again: weak fairness of deciding is not enough.
LiveResend(i) ==
    /\ \A j, k \in Server : IF Paced \/ j = i THEN slot[j][k] = None /\ wire[j][k] = <<>> ELSE TRUE
    /\ ResendNotifications(i)
    /\ Free

\* Of all servers together, which asks for less than fairness towards each. An action that never happens is treated
\* fairly whatever happens.
Fairness ==
    /\ WF_mcVars(Rebase)
    /\ WF_mcVars("StartElection" \notin Unfair /\ \E i \in Server : LiveStart(i))
    /\ WF_mcVars("GiveUp" \notin Unfair /\ \E i \in Server : LiveGiveUp(i))
    /\ WF_mcVars("Decide" \notin Unfair /\ \E i \in Server : LiveDecide(i))
    /\ SF_mcVars(Unfair \cap {"Decide", "StrongDecide"} = {} /\ \E i \in Server : LiveDecide(i))
    /\ WF_mcVars("HandleNotification" \notin Unfair /\ \E i, j \in Server : LiveHandleNotification(i, j))
    /\ WF_mcVars("Transmit" \notin Unfair /\ \E i, j \in Server : LiveTransmit(i, j))

-----------------------------------------------------------------------------

\* One leader, and all others follow it.
Converged == \E l \in Voter : role[l] = "LEADING" /\ \A i \in Server : Settled(i) /\ vote[i].leader = l

Ends == <>[]Converged
=============================================================================
