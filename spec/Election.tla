------------------------------ MODULE Election ------------------------------
(***************************************************************************)
(* Fast leader election.  Servers that look for a leader tell each other   *)
(* whom they would have, adopt the better vote, and settle once a quorum   *)
(* says the same in the same round; servers that have settled answer those *)
(* that still look, who settle with them.                                  *)
(*                                                                         *)
(* Source:   FastLeaderElection and QuorumCnxManager of ZooKeeper 3.9.     *)
(* Refines:  ElectionContract (checked in MCElectionProof).                *)
(* Mirror:   core/election.ts, one exported function for each action of a  *)
(*           server; Transmit, Break and Crash are the world's             *)
(*           (conformance/world/notifications.ts).                         *)
(***************************************************************************)
EXTENDS Integers, FiniteSets, Sequences

CONSTANTS
    Voter,       \* ids of the voting servers; naturals, compared by <
    Observer,    \* ids of the servers that learn who leads and have no say
    None,        \* no notification
    Reconnects,  \* may connections end? then what was last sent to a peer is kept
    Bugs         \* seeded faults and historic bugs, for models that must fail

ASSUME ServerAssumption ==
    /\ Voter \subseteq Nat /\ IsFiniteSet(Voter) /\ Voter # {}
    /\ Observer \subseteq Nat /\ IsFiniteSet(Observer)
    /\ Voter \cap Observer = {}
ASSUME ReconnectsAssumption == Reconnects \in BOOLEAN
ASSUME BugsAssumption == Bugs \subseteq {"QuorumMinusOne", "IgnoreRound", "AnyVote", "HalfVote", "ZOOKEEPER-1514"}

VARIABLES
    role,          \* role[i]: what server i does
    round,         \* round[i]: its logical clock; 0 until it first looks for a leader
    initial,       \* initial[i]: the vote it starts its present or last election with
    proposal,      \* proposal[i]: the best vote it has seen in this round
    vote,          \* vote[i]: the vote it settled on last, before that its first initial vote
    received,      \* received[i][j]: what voter j last said in this round
    outOfElection, \* outOfElection[i][j]: what voter j, settled, last said, in whatever round
    slot,          \* slot[i][j]: the notification that waits to be sent from i to j
    latest,        \* latest[i][j]: the one that was sent last, kept if connections may end
    wire           \* wire[i][j]: notifications on their way from i to j, oldest first

serverVars == <<role, round, initial, proposal, vote, received, outOfElection>>
channelVars == <<slot, latest, wire>>
vars == <<role, round, initial, proposal, vote, received, outOfElection, slot, latest, wire>>

Server == Voter \cup Observer

Role == {"LOOKING", "FOLLOWING", "LEADING", "OBSERVING"}

\* The vote of one who has none to give: an observer, or a server before its first election.
Nobody == [leader |-> -1, zxid |-> <<-1, -1>>, epoch |-> -1]

\* The zxid of a server whose log cannot be trusted: it neither votes nor heeds votes.
Untrusted == <<-1, -1>>

\* Zxids are pairs <<epoch, counter>>; the largest numbers are the model's to choose.
IsVote(v) ==
    /\ DOMAIN v = {"leader", "zxid", "epoch"}
    /\ \/ v = Nobody
       \/ /\ v.leader \in Voter /\ v.epoch \in Nat
          /\ v.zxid = Untrusted \/ (v.zxid[1] \in Nat /\ v.zxid[2] \in Nat)

IsNotification(n) ==
    /\ DOMAIN n = {"state", "leader", "zxid", "epoch", "round"}
    /\ n.state \in Role /\ n.round \in Nat
    /\ IsVote([leader |-> n.leader, zxid |-> n.zxid, epoch |-> n.epoch])

TypeOK ==
    /\ role \in [Server -> Role]
    /\ round \in [Server -> Nat]
    /\ \A i \in Server : IsVote(initial[i]) /\ IsVote(proposal[i]) /\ IsVote(vote[i])
    /\ \A i \in Server : DOMAIN received[i] = Voter /\ DOMAIN outOfElection[i] = Voter
    /\ \A i \in Server, j \in Voter :
         /\ received[i][j] # None => IsNotification(received[i][j])
         /\ outOfElection[i][j] # None => IsNotification(outOfElection[i][j]) /\ outOfElection[i][j].state # "LOOKING"
    /\ \A i, j \in Server :
         /\ slot[i][j] # None => IsNotification(slot[i][j])
         /\ latest[i][j] # None => Reconnects /\ IsNotification(latest[i][j])
         /\ \A k \in DOMAIN wire[i][j] : IsNotification(wire[i][j][k])

-----------------------------------------------------------------------------
(* Votes                                                                   *)

\* Lexicographic: by epoch, then zxid, then id.
Better(v, w) ==
    IF v.epoch # w.epoch THEN v.epoch > w.epoch
    ELSE IF v.zxid[1] # w.zxid[1] THEN v.zxid[1] > w.zxid[1]
    ELSE IF v.zxid[2] # w.zxid[2] THEN v.zxid[2] > w.zxid[2]
    ELSE v.leader > w.leader

VoteOf(n) == [leader |-> n.leader, zxid |-> n.zxid, epoch |-> n.epoch]

Note(s, v, r) == [state |-> s, leader |-> v.leader, zxid |-> v.zxid, epoch |-> v.epoch, round |-> r]

\* Settled servers need only agree on leader and epoch: they may have settled in different rounds, and zxids
\* in their votes are never brought up to date (ZOOKEEPER-1514, ZOOKEEPER-1732).  Rounds are not compared
\* here: what counts together with a vote of one who looks is all of one round (MCElection ReceivedInRound).
SameVote(m, n) ==
    /\ m.leader = n.leader
    /\ m.epoch = n.epoch
    /\ (m.state = "LOOKING" \/ n.state = "LOOKING") => m.zxid = n.zxid
    /\ "ZOOKEEPER-1514" \in Bugs => m.zxid = n.zxid /\ m.round = n.round

IsQuorum(S) == 2 * (Cardinality(S) + (IF "QuorumMinusOne" \in Bugs THEN 1 ELSE 0)) > Cardinality(Voter)

Supporters(said, n) == {k \in Voter : IF said[k] = None THEN FALSE ELSE SameVote(said[k], n)}

\* A leader that others name must have said itself that it leads: it may have crashed or left since.
\* One who is named leader by others believes it only of the round that it is in.
LeaderOK(i, said, n) ==
    IF n.leader = i THEN n.round = round[i]
    ELSE IF said[n.leader] = None THEN FALSE ELSE said[n.leader].state = "LEADING"

Silence == [j \in Voter |-> None]

-----------------------------------------------------------------------------
(* Sending: a newer notification takes the place of one that still waits   *)

Told(i, j, n) == [slot EXCEPT ![i][j] = n]

\* A server does not send to itself: its own vote is counted at once (Own).
ToldAll(i, n) == [slot EXCEPT ![i] = [j \in Server |-> IF j \in Voter \ {i} THEN n ELSE @[j]]]

Own(i, v, r) == IF i \in Voter THEN Note("LOOKING", v, r) ELSE None

\* What server i answers to those that look when it does not, and to servers that have no vote.
Standing(i) == Note(role[i], vote[i], round[i])

-----------------------------------------------------------------------------
(* Guards                                                                  *)

\* Not as a disjunction: as a conjunct of an action TLC would take a step for each side.
Started(i) == ~(role[i] = "LOOKING" /\ round[i] = 0)

Looking(i) == role[i] = "LOOKING" /\ round[i] > 0

Idle(i) == ~Looking(i)

Settled(i) == role[i] # "LOOKING"

\* A quorum of what server i has heard in this round is its own proposal; only who looks has heard anything.
Agreed(i) == IsQuorum(Supporters(received[i], Note("LOOKING", proposal[i], round[i])))

-----------------------------------------------------------------------------
(* Actions of a server                                                     *)

Init ==
    /\ role = [i \in Server |-> "LOOKING"]
    /\ round = [i \in Server |-> 0]
    /\ initial = [i \in Server |-> Nobody]
    /\ proposal = initial
    /\ vote = initial
    /\ received = [i \in Server |-> Silence]
    /\ outOfElection = received
    /\ slot = [i \in Server |-> [j \in Server |-> None]]
    /\ latest = slot
    /\ wire = [i \in Server |-> [j \in Server |-> <<>>]]

\* Server i starts, or gives up the role it had, and looks for a leader in a new round: it votes for itself,
\* with its currentEpoch e and the last zxid z of its log.
StartElection(i, e, z) ==
    LET own == IF i \in Voter THEN [leader |-> i, zxid |-> z, epoch |-> e] ELSE Nobody
        next == round[i] + 1
    IN  /\ Idle(i)
        /\ role' = [role EXCEPT ![i] = "LOOKING"]
        /\ round' = [round EXCEPT ![i] = next]
        /\ initial' = [initial EXCEPT ![i] = own]
        /\ proposal' = [proposal EXCEPT ![i] = own]
        \* After that the old vote stands until the next one is settled: only observers are told of it.
        /\ vote' = [vote EXCEPT ![i] = IF round[i] = 0 THEN own ELSE @]
        /\ received' = IF i \in Voter THEN [received EXCEPT ![i][i] = Own(i, own, next)] ELSE received
        /\ slot' = ToldAll(i, Note("LOOKING", own, next))
        /\ UNCHANGED <<outOfElection, latest, wire>>

\* Server i ends its election with vote v of round r. What it heard is forgotten: the next election starts empty.
Settle(i, v, r) ==
    /\ role' = [role EXCEPT ![i] = IF i \in Observer THEN "OBSERVING" ELSE IF v.leader = i THEN "LEADING" ELSE "FOLLOWING"]
    /\ round' = [round EXCEPT ![i] = r]
    /\ proposal' = [proposal EXCEPT ![i] = v]
    /\ vote' = [vote EXCEPT ![i] = v]
    /\ received' = [received EXCEPT ![i] = Silence]
    /\ outOfElection' = [outOfElection EXCEPT ![i] = Silence]
    /\ UNCHANGED <<initial, slot>>

\* A notification that server i need not heed.
Ignore == UNCHANGED <<serverVars, slot>>

Answer(i, j, n) ==
    /\ slot' = Told(i, j, n)
    /\ UNCHANGED serverVars

\* The vote of a looking peer, in this round or in a newer one that i enters with it.
Consider(i, j, n) ==
    LET newer == n.round > round[i]
        \* In a new round all votes start afresh, one's own included.
        mine == IF newer THEN initial[i] ELSE proposal[i]
        better == Better(n, mine) \/ ("AnyVote" \in Bugs /\ VoteOf(n) # mine)
        best == IF ~better THEN mine
                ELSE IF "HalfVote" \in Bugs THEN [VoteOf(n) EXCEPT !.zxid = mine.zxid]
                ELSE VoteOf(n)
        heard == IF newer THEN Silence ELSE received[i]
    IN  /\ round' = [round EXCEPT ![i] = IF newer THEN n.round ELSE @]
        /\ proposal' = [proposal EXCEPT ![i] = best]
        /\ received' = [received EXCEPT ![i] =
                          [k \in Voter |-> IF k = j THEN n
                                           ELSE IF k = i THEN Own(i, best, round'[i])
                                           ELSE heard[k]]]
        \* Strict: equal votes would otherwise be exchanged for ever.
        /\ slot' = IF newer \/ better THEN ToldAll(i, Note("LOOKING", best, round'[i])) ELSE slot
        /\ UNCHANGED <<role, initial, vote, outOfElection>>

\* The word of a settled peer: enough of them end the election, be it in this round or in another one.
Believe(i, j, n) ==
    LET heard == IF n.round = round[i] THEN [received[i] EXCEPT ![j] = n] ELSE received[i]
        others == [outOfElection[i] EXCEPT ![j] = n]
        Convinced(said) == IsQuorum(Supporters(said, n)) /\ LeaderOK(i, said, n)
    IN  IF (n.round = round[i] /\ Convinced(heard)) \/ Convinced(others)
          THEN Settle(i, VoteOf(n), n.round)
          ELSE /\ received' = [received EXCEPT ![i] = heard]
               /\ outOfElection' = [outOfElection EXCEPT ![i] = others]
               /\ UNCHANGED <<role, round, initial, proposal, vote, slot>>

Mute(i) == i \in Voter /\ initial[i].zxid = Untrusted

\* A looking server that is handed a notification from voter j.
Weigh(i, j, n) ==
    IF n.state = "LOOKING" /\ n.round < round[i] /\ "IgnoreRound" \notin Bugs
      THEN Answer(i, j, Note("LOOKING", proposal[i], round[i]))
    ELSE IF n.leader \notin Voter THEN Ignore
    ELSE IF n.state = "LOOKING"
      THEN IF n.zxid # Untrusted /\ ~Mute(i) THEN Consider(i, j, n) ELSE Ignore
    ELSE IF n.state = "OBSERVING" THEN Ignore
    ELSE Believe(i, j, n)

\* Server i is handed the oldest notification from j.
HandleNotification(i, j) ==
    LET n == Head(wire[j][i])
    IN  /\ wire[j][i] # <<>>
        /\ Started(i)
        /\ IF role[i] = "OBSERVING" THEN Ignore  \* its word counts nowhere, and answers to it would never end
           ELSE IF j \notin Voter THEN Answer(i, j, Standing(i))
           ELSE IF role[i] = "LOOKING" THEN Weigh(i, j, n)
           ELSE IF n.state = "LOOKING" THEN Answer(i, j, Standing(i))
           ELSE Ignore
        /\ wire' = [wire EXCEPT ![j][i] = Tail(@)]
        /\ UNCHANGED latest

\* Server i has heard nothing better for a while and a quorum agrees with it.
Decide(i) ==
    /\ Agreed(i)
    /\ Settle(i, proposal[i], round[i])
    /\ UNCHANGED <<latest, wire>>

\* Server i has heard nothing for a while and tells everybody again.
ResendNotifications(i) ==
    /\ Looking(i)
    /\ slot' = ToldAll(i, Note("LOOKING", proposal[i], round[i]))
    /\ UNCHANGED <<serverVars, latest, wire>>

\* Leader and followers of a new epoch e say so in their vote, or a server that comes later would meet followers
\* with different votes for one leader and never see a quorum (ZOOKEEPER-1732).
UpdateVoteEpoch(i, e) ==
    /\ Settled(i)
    /\ vote' = [vote EXCEPT ![i].epoch = e]
    /\ UNCHANGED <<role, round, initial, proposal, received, outOfElection, channelVars>>

-----------------------------------------------------------------------------
(* Actions of the world                                                    *)

\* The notification that waits goes on its way.
Transmit(i, j) ==
    /\ slot[i][j] # None
    /\ wire' = [wire EXCEPT ![i][j] = Append(@, slot[i][j])]
    /\ slot' = [slot EXCEPT ![i][j] = None]
    /\ latest' = [latest EXCEPT ![i][j] = IF Reconnects THEN slot[i][j] ELSE None]
    /\ UNCHANGED serverVars

\* What i has for j when they are connected anew: the last notification is sent again if none waits.
Again(i, j) == IF slot[i][j] = None THEN latest[i][j] ELSE slot[i][j]

\* The connection of i and j ends with all that was on it, and they connect anew.
Break(i, j) ==
    /\ Reconnects /\ i # j
    /\ slot' = [slot EXCEPT ![i][j] = Again(i, j), ![j][i] = Again(j, i)]
    /\ wire' = [wire EXCEPT ![i][j] = <<>>, ![j][i] = <<>>]
    /\ UNCHANGED <<serverVars, latest>>

\* Server i stops and forgets all but its files: the round restarts from 0. What it sent still arrives.
Crash(i) ==
    /\ Reconnects
    /\ role' = [role EXCEPT ![i] = "LOOKING"]
    /\ round' = [round EXCEPT ![i] = 0]
    /\ initial' = [initial EXCEPT ![i] = Nobody]
    /\ proposal' = [proposal EXCEPT ![i] = Nobody]
    /\ vote' = [vote EXCEPT ![i] = Nobody]
    /\ received' = [received EXCEPT ![i] = Silence]
    /\ outOfElection' = [outOfElection EXCEPT ![i] = Silence]
    /\ slot' = [j \in Server |-> [k \in Server |-> IF j = i THEN None ELSE IF k = i THEN Again(j, i) ELSE slot[j][k]]]
    /\ latest' = [latest EXCEPT ![i] = [j \in Server |-> None]]
    /\ wire' = [j \in Server |-> [wire[j] EXCEPT ![i] = <<>>]]
=============================================================================
