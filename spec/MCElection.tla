----------------------------- MODULE MCElection -----------------------------
(***************************************************************************)
(* Election with its bounds.  They are guards on what the world does: how  *)
(* much a wire holds, and how often a server may be told to look for a     *)
(* leader, to resend, to stop, and so on.  None of them reads a server.    *)
(***************************************************************************)
EXTENDS Election, TLC

CONSTANTS
    Epoch,     \* Epoch[i]: currentEpoch of voter i when it looks for a leader
    LastZxid,  \* LastZxid[i]: zxid of the last entry of its log when it first does
    Growth,    \* by how much the counters of the logs grow from one start of a server to the next
    NewEpoch,  \* the epoch that a leader of this model may establish
    MaxWire,   \* how many notifications a wire holds
    MaxFlight, \* how many all wires hold together
    Starts,    \* how often servers start or leave their role, after those of Init
    Resends,   \* how often a server resends on its own account
    Updates,   \* how often a settled vote is given NewEpoch
    Breaks,    \* how often a connection ends
    Crashes    \* how often a server stops

VARIABLE budget  \* what is left of these

mcVars == <<vars, budget>>

FullBudget ==
    [starts |-> Starts, resends |-> Resends, updates |-> Updates, breaks |-> Breaks, crashes |-> Crashes]

VoteOnce(i, grown) ==
    IF i \in Voter
      THEN [leader |-> i, zxid |-> <<LastZxid[i][1], LastZxid[i][2] + grown>>, epoch |-> Epoch[i]]
      ELSE Nobody

InitialVote(i) == VoteOnce(i, 0)

-----------------------------------------------------------------------------
(* Where models begin                                                      *)

MCInit == Init /\ budget = FullBudget

Unheard ==
    /\ latest = [i \in Server |-> [j \in Server |-> None]]
    /\ wire = [i \in Server |-> [j \in Server |-> <<>>]]

\* All of these servers have just begun their first election, and nothing is on its way.
Begun(S) ==
    /\ role = [i \in Server |-> "LOOKING"]
    /\ round = [i \in Server |-> IF i \in S THEN 1 ELSE 0]
    /\ initial = [i \in Server |-> IF i \in S THEN InitialVote(i) ELSE Nobody]
    /\ proposal = initial
    /\ vote = initial
    /\ received = [i \in Server |-> [j \in Voter |-> IF i \in S /\ j = i THEN Own(i, initial[i], 1) ELSE None]]
    /\ outOfElection = [i \in Server |-> Silence]
    /\ slot = [i \in Server |-> [j \in Server |->
                 IF i \in S /\ j \in Voter \ {i} THEN Note("LOOKING", initial[i], 1) ELSE None]]
    /\ Unheard

InitBegun == Begun(Server) /\ budget = FullBudget

\* Of more voters only three run: what is sent to the others is never read.
InitThreeBegun == Begun({1, 2, 3}) /\ budget = FullBudget

\* Server 3 leads since round 2, to which it went with 2 after a first election; 1 follows it since round 1.
\* The logs have grown with each start: of 1, 2, 3, then of 2 and 3.
SettledApart ==
    /\ role = [i \in Server |-> IF i = 3 THEN "LEADING" ELSE "FOLLOWING"]
    /\ round = [i \in Server |-> IF i = 1 THEN 1 ELSE 2]
    /\ initial = [i \in Server |-> VoteOnce(i, Growth * (IF i = 1 THEN 0 ELSE i + 1))]
    /\ proposal = [i \in Server |-> VoteOnce(3, Growth * (IF i = 1 THEN 2 ELSE 4))]
    /\ vote = proposal
    /\ received = [i \in Server |-> Silence]
    /\ outOfElection = received
    /\ slot = [i \in Server |-> [j \in Server |-> None]]
    /\ Unheard

InitSettledApart == SettledApart /\ budget = [FullBudget EXCEPT !.starts = Starts - 5]

-----------------------------------------------------------------------------
(* Actions                                                                 *)

Spend(what) == budget[what] > 0 /\ budget' = [budget EXCEPT ![what] = @ - 1]

Free == UNCHANGED budget

MCStartElection(i) ==
    /\ Spend("starts")
    /\ LET own == VoteOnce(i, Growth * (Starts - budget.starts)) IN StartElection(i, own.epoch, own.zxid)

MCHandleNotification(i, j) == HandleNotification(i, j) /\ Free

MCDecide(i) == Decide(i) /\ Free

\* Of use only when what was sent before is gone.
MCResendNotifications(i) ==
    /\ Spend("resends")
    /\ \A j \in Voter \ {i} : slot[i][j] = None /\ wire[i][j] = <<>>
    /\ ResendNotifications(i)

MCUpdateVoteEpoch(i) == Spend("updates") /\ UpdateVoteEpoch(i, NewEpoch)

RECURSIVE Total(_, _)
Total(f, S) == IF S = {} THEN 0 ELSE LET x == CHOOSE x \in S : TRUE IN f[x] + Total(f, S \ {x})

InFlight == Total([p \in Server \X Server |-> Len(wire[p[1]][p[2]])], Server \X Server)

MCTransmit(i, j) == Len(wire[i][j]) < MaxWire /\ InFlight < MaxFlight /\ Transmit(i, j) /\ Free

MCBreak(i, j) == i < j /\ Spend("breaks") /\ Break(i, j)

MCCrash(i) == Spend("crashes") /\ Crash(i)

-----------------------------------------------------------------------------
(* Properties                                                              *)

GenuineVote(v) ==
    \/ v = Nobody
    \/ /\ v.leader \in Voter
       /\ v.zxid \in {VoteOnce(v.leader, Growth * n).zxid : n \in -1 .. Starts}
       /\ v.epoch \in {Epoch[v.leader], NewEpoch}

\* A vote carries the zxid and the epoch of the very server that it names.
VoteIsGenuine ==
    /\ \A i \in Server : GenuineVote(initial[i]) /\ GenuineVote(proposal[i]) /\ GenuineVote(vote[i])
    /\ \A i \in Server, j \in Voter :
         /\ received[i][j] # None => GenuineVote(VoteOf(received[i][j]))
         /\ outOfElection[i][j] # None => GenuineVote(VoteOf(outOfElection[i][j]))

\* What is counted together is of one round.
ReceivedInRound ==
    \A i \in Server, j \in Voter : received[i][j] # None => received[i][j].round = round[i]

\* Within a round no server turns to a worse vote.
VoteNeverWorsens ==
    [][\A i \in Server : Looking(i) /\ Looking(i)' /\ round'[i] = round[i] => ~Better(proposal[i], proposal'[i])]_vars

-----------------------------------------------------------------------------
(* What models that must fail say of states that can be reached            *)

NeverEnds == \E i \in Server : ~Settled(i)
NeverAdopts == \A i \in Server : Looking(i) => proposal[i] = initial[i]
NeverFollows == \A i \in Server : role[i] # "FOLLOWING"
NeverLeads == \A i \in Server : role[i] # "LEADING"
NeverObserves == \A i \in Server : role[i] # "OBSERVING"

\* A notification of a round that its reader has left is about to be dropped.
NeverLate ==
    \A i, j \in Server : (wire[j][i] # <<>> /\ Looking(i)) =>
        ~(Head(wire[j][i]).state = "LOOKING" /\ Head(wire[j][i]).round < round[i])

NeverTwoLeaders ==
    \A i, j \in Server : role[i] = "LEADING" /\ role[j] = "LEADING" /\ round[i] = round[j] => i = j

AllSettled == \A i \in Server : Settled(i)

\* In ElectionJoin: a server that went on to a newer round settles in the older one of its peers.
NeverJoinsBack == (budget.starts < Starts - 5 /\ AllSettled) => \E i \in Server : round[i] > 2

\* There, too: only server 2 can have looked, and the quorum that convinced it was of rounds 1 and 2.
NeverJoinsApart == (budget.starts = Starts - 6 /\ AllSettled) => ~(round[1] = 1 /\ round[3] = 2)

\* After a restart: what a peer said while it looked arrives although the peer has settled since.
NeverStale ==
    \A i, j \in Server : (budget.crashes < Crashes /\ Settled(j) /\ Looking(i) /\ wire[j][i] # <<>>) =>
        Head(wire[j][i]).state # "LOOKING"

\* The named states in which models begin are reached from Init.
NeverBegun == ~Begun(Server)
NeverThreeBegun == ~Begun({1, 2, 3})
NeverSettledApart == ~SettledApart

\* Leads the search for SettledApart: the starts in their order, the second election once the first is over.
TowardsSettledApart ==
    budget'.starts < budget.starts =>
        LET nth == Starts - budget.starts + 1
            next == <<1, 2, 3, 2, 3>>
        IN  /\ IF nth <= 5 THEN round'[next[nth]] > round[next[nth]] ELSE FALSE
            /\ nth = 4 => AllSettled /\ \A i, j \in Server : slot[i][j] = None /\ wire[i][j] = <<>>
=============================================================================
