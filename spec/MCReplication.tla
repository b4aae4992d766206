--------------------------- MODULE MCReplication ---------------------------
(***************************************************************************)
(* Bounds, elections and verification variables for models of Replication. *)
(* An action that the environment starts is wrapped: MCCrash is Crash with *)
(* a budget. Every other action leaves the budget alone.                   *)
(***************************************************************************)
EXTENDS Replication

CONSTANTS
    Txns, Crashes, Cuts, Elections,  \* how many of each may happen
    AnyElection                      \* TRUE: any server may be told any leader

VARIABLES
    budget,   \* what is left: <<txns, crashes, cuts, elections>>
    order     \* history: the longest sequence that any server has delivered while it served

mcVars == <<vars, budget, order>>

Spend(k) == budget[k] > 0 /\ budget' = [budget EXCEPT ![k] = @ - 1]
Free == UNCHANGED budget

-----------------------------------------------------------------------------
(* ElectionContract, as the environment keeps it: whom a server may be     *)
(* told to follow. Asking servers are those that have started an election. *)

Asking(i) == phase[i] = "LOOKING" /\ Quiescent(i)

VoteBelow(j, l) ==
    \/ Newer(currentEpoch[l], LastZxid(l), currentEpoch[j], LastZxid(j))
    \/ (currentEpoch[l] = currentEpoch[j] /\ LastZxid(l) = LastZxid(j) /\ j <= l)

MayFollow(i, l) ==
    IF i = l
      THEN IF AnyElection THEN TRUE ELSE IsQuorum({j \in Server : Asking(j) /\ VoteBelow(j, l)})
      ELSE /\ Leading(l)
           /\ IF AnyElection THEN TRUE ELSE IsQuorum({j \in Server : leader[j] = l \/ Asking(j)})

\* The history variable follows the server that has delivered most.
Longest == IF delivered' = delivered /\ phase' = phase THEN UNCHANGED order ELSE
    LET lengths == {Len(delivered'[i]) : i \in {j \in Server : phase'[j] = "BROADCAST"}} \cup {Len(order)}
        n == Max(lengths)
    IN  order' = IF n = Len(order) THEN order
                 ELSE delivered'[CHOOSE i \in Server : phase'[i] = "BROADCAST" /\ Len(delivered'[i]) = n]

MCElected(i, l) == Elected(i, l) /\ MayFollow(i, l) /\ (IF i = l THEN Spend(4) ELSE Free) /\ Longest
MCPropose(l)    == Spend(1) /\ Propose(l) /\ Longest
MCCrash(i, k)   == Spend(2) /\ Crash(i, k) /\ Longest
MCBreak(i, l)   == Spend(3) /\ Break(i, l) /\ Longest

MCHandleFollowerInfo(i, j) == HandleFollowerInfo(i, j) /\ Free /\ Longest
MCHandleObserverInfo(i, j) == HandleObserverInfo(i, j) /\ Free /\ Longest
MCHandleInform(i, j) == HandleInform(i, j) /\ Free /\ Longest
MCHandleLeaderInfo(i, j) == HandleLeaderInfo(i, j) /\ Free /\ Longest
MCHandleAckEpoch(i, j) == HandleAckEpoch(i, j) /\ Free /\ Longest
MCHandleDiff(i, j) == HandleDiff(i, j) /\ Free /\ Longest
MCHandleTrunc(i, j) == HandleTrunc(i, j) /\ Free /\ Longest
MCHandleSnap(i, j) == HandleSnap(i, j) /\ Free /\ Longest
MCHandleNewLeader(i, j) == HandleNewLeader(i, j) /\ Free /\ Longest
MCHandleUpToDate(i, j) == HandleUpToDate(i, j) /\ Free /\ Longest
MCHandleProposal(i, j) == HandleProposal(i, j) /\ Free /\ Longest
MCHandleAck(i, j) == HandleAck(i, j) /\ Free /\ Longest
MCHandleCommit(i, j) == HandleCommit(i, j) /\ Free /\ Longest
MCNoticeClose(i, j) == NoticeClose(i, j) /\ Free /\ Longest
MCLogSynced(i, k) == LogSynced(i, k) /\ Free /\ Longest
MCEpochSaved(i) == EpochSaved(i) /\ Free /\ Longest
MCSnapshotSaved(i) == SnapshotSaved(i) /\ Free /\ Longest
MCWriteEpochFile(i) == WriteEpochFile(i) /\ Free /\ Longest
MCLeaderTimeout(i) == LeaderTimeout(i) /\ Free /\ Longest
MCResign(i) == Resign(i) /\ Free /\ Longest
MCRestart(i) == Restart(i) /\ Free /\ Longest

-----------------------------------------------------------------------------

MCInit == Init /\ budget = <<Txns, Crashes, Cuts, Elections>> /\ order = InitialLog

\* A named state to start from: the highest voter leads, everybody follows and serves. traces/ holds a way to it. Whoever
\* has promised a higher epoch stands apart.
Established ==
    LET l == Max(Server \ Observer)
        before == LastOf(InitialLog)[1]
        e == before + 1
        follows(i) == FirstPromise(i) <= e
    IN  /\ phase = [i \in Server |-> IF follows(i) THEN "BROADCAST" ELSE "LOOKING"]
        /\ leader = [i \in Server |-> IF follows(i) THEN l ELSE None]
        /\ acceptedEpoch = [i \in Server |-> IF follows(i) THEN e ELSE FirstPromise(i)]
        /\ currentEpoch = [i \in Server |-> IF follows(i) THEN e ELSE before]
        /\ epochFile = [i \in Server |-> IF follows(i) THEN <<e, e>> ELSE <<FirstPromise(i), before>>]
        /\ saving = [i \in Server |-> "none"]
        /\ log = [i \in Server |-> InitialLog]
        /\ synced = [i \in Server |-> Len(InitialLog)]
        /\ base = [i \in Server |-> 0]
        /\ delivered = [i \in Server |-> IF follows(i) THEN InitialLog ELSE <<>>]
        /\ newEpoch = [i \in Server |-> IF i = l THEN e ELSE 0]
        /\ learners = [i \in Server |-> [j \in Server |->
              IF i = l /\ j # l /\ follows(j) THEN [stage |-> "synced", zxid |-> ZeroZxid] ELSE NoLearner]]
        /\ sync = [i \in Server |-> NoSync]
        /\ net = [i \in Server |-> [j \in Server |-> <<>>]]
        /\ budget = <<Txns, Crashes, Cuts, Elections>>
        /\ order = InitialLog

MCNext ==
    \/ \E i, j \in Server :
          \/ MCElected(i, j) \/ MCBreak(i, j)
          \/ MCHandleObserverInfo(i, j) \/ MCHandleInform(i, j)
          \/ MCHandleFollowerInfo(i, j) \/ MCHandleLeaderInfo(i, j) \/ MCHandleAckEpoch(i, j)
          \/ MCHandleDiff(i, j) \/ MCHandleTrunc(i, j) \/ MCHandleSnap(i, j)
          \/ MCHandleNewLeader(i, j) \/ MCHandleUpToDate(i, j) \/ MCHandleProposal(i, j)
          \/ MCHandleAck(i, j) \/ MCHandleCommit(i, j) \/ MCNoticeClose(i, j)
    \/ \E i \in Server :
          \/ MCPropose(i) \/ MCEpochSaved(i) \/ MCSnapshotSaved(i) \/ MCWriteEpochFile(i)
          \/ MCLeaderTimeout(i) \/ MCResign(i) \/ MCRestart(i)
          \/ \E k \in Counts : MCCrash(i, k) \/ MCLogSynced(i, k)

\* Its negation, so that TLC finds the way to it from MCInit.
NeverEstablished == ~
    /\ \A i \in Server : leader[i] = Max(Server \ Observer) /\ Serving(i) /\ saving[i] = "none"
    /\ \A i, j \in Server : net[i][j] = <<>>
    /\ order = InitialLog /\ \A i \in Server : log[i] = InitialLog

EstablishedSpec == Established /\ [][MCNext]_mcVars
MCSpec == MCInit /\ [][MCNext]_mcVars

-----------------------------------------------------------------------------
(* Properties. `order` is what clients have seen.                          *)

PacketTypes == {"FOLLOWERINFO", "OBSERVERINFO", "LEADERINFO", "ACKEPOCH", "DIFF", "TRUNC", "SNAP", "NEWLEADER",
                "UPTODATE", "PROPOSAL", "ACK", "COMMIT", "INFORM", "REQUEST", "SYNC", "EOF"}

TypeOK ==
    /\ phase \in [Server -> {"DOWN", "LOOKING", "DISCOVERY", "SYNCHRONIZATION", "BROADCAST"}]
    /\ leader \in [Server -> Server \cup {None}]
    /\ acceptedEpoch \in [Server -> Nat] /\ currentEpoch \in [Server -> Nat]
    /\ saving \in [Server -> {"none", "accepted", "current", "snapshot"}]
    /\ \A i \in Server :
          /\ synced[i] \in 0..Len(log[i]) /\ base[i] \in 0..Len(log[i])
          /\ newEpoch[i] \in Nat
          /\ sync[i].commits \in 0..Len(sync[i].pending)
          /\ sync[i].mode \in {"none", "DIFF", "SNAP"} /\ sync[i].stage \in {"packets", "logging", "acked"}
          /\ \A j \in Server :
                /\ learners[i][j].stage \in Stage
                /\ \A n \in 1..Len(net[i][j]) : net[i][j][n].type \in PacketTypes

\* At most one established leader an epoch (Leadership1).
Leadership ==
    LET L == {l \in Server : Leading(l) /\ Serving(l)}
    IN  \A l, m \in L : newEpoch[l] = newEpoch[m] => l = m

\* What any serving server has applied is one and the same sequence, so far (PrefixConsistency).
PrefixConsistency == \A i \in Server : Serving(i) => IsPrefix(delivered[i], order)

\* Of two serving servers one has applied what the other has, and perhaps more (Agreement).
Agreement ==
    LET D == {delivered[i] : i \in {j \in Server : Serving(j)}}
    IN  \A s, t \in D : IsPrefix(s, t) \/ IsPrefix(t, s)

\* Nothing is delivered that is not in the log of the server that delivers it (Integrity).
Integrity == \A i \in Server : Serving(i) => IsPrefix(delivered[i], log[i])

Increasing(s) == \A n \in 1..Len(s) - 1 : Below(s[n], s[n + 1])

\* No server delivers a transaction twice or in another order (TotalOrder).
TotalOrder == Increasing(order) /\ \A i \in Server : Increasing(delivered[i])

\* The transactions of one primary are delivered without gap (LocalPrimaryOrder).
LocalPrimaryOrder == \A n \in 1..Len(order) :
    \/ order[n][2] = 1
    \/ n > 1 /\ order[n - 1] = <<order[n][1], order[n][2] - 1>>

\* Logs follow the order of epochs as well (GlobalPrimaryOrder).
GlobalPrimaryOrder == \A i \in Server : Increasing(log[i])

\* An established leader has delivered everything of earlier epochs (PrimaryIntegrity).
PrimaryIntegrity == \A l \in Server : Leading(l) /\ Serving(l) =>
    \A n \in 1..Len(order) : order[n][1] < newEpoch[l] => n <= Len(delivered[l]) /\ delivered[l][n] = order[n]

\* The established leader of the newest epoch has everything that was ever delivered (LeaderLogCompleteness).
LeaderLogCompleteness == \A l \in Server :
    Leading(l) /\ Serving(l) /\ (\A m \in Server : acceptedEpoch[m] <= newEpoch[l]) => IsPrefix(order, log[l])

\* What was delivered once is on the disks of a quorum (CommittedLogDurability).
Durability == IsQuorum({i \in Server : IsPrefix(order, Prefix(log[i], synced[i]))})

\* A server that synchronised in an epoch had promised it.
EpochsInOrder == \A i \in Server :
    /\ epochFile[i][2] <= epochFile[i][1]
    /\ currentEpoch[i] <= acceptedEpoch[i] \/ phase[i] = "DOWN"

\* No server is handed a packet that it does not expect (ShouldNotBeTriggered).
NothingUnexpected == \A i, j \in Server : net[j][i] # <<>> => Expected(i, j)

-----------------------------------------------------------------------------
(* What the invariants speak of does happen: each of these is violated.    *)

NeverServes   == \A i, j \in Server : Serving(i) /\ Serving(j) => i = j
NeverDelivers == order = InitialLog
NeverSecond   == \A n \in 1..Len(order) : order[n][2] < 2
NeverSucceeds == \A n, m \in 1..Len(order) :
    order[n][1] = order[m][1] \/ n <= Len(InitialLog) \/ m <= Len(InitialLog)
NeverParts    == \A i, j \in Server : IsPrefix(log[i], log[j]) \/ IsPrefix(log[j], log[i])
NeverPromises == \A i \in Server : epochFile[i][1] = epochFile[i][2]
NeverCuts     == \A i, j \in Server : ~HeadIs(i, j, "TRUNC")
NeverSnaps    == \A i, j \in Server : ~HeadIs(i, j, "SNAP")
NeverTwoLead  == \A l, m \in Server : Leading(l) /\ Leading(m) => l = m

\* All that may happen has happened, and everybody serves again and has everything.
NeverRecovers == ~(budget = <<0, 0, 0, 0>> /\ \A i \in Server : Serving(i) /\ delivered[i] = order)

\* A counter is used up and the next epoch delivers what comes after.
NeverRollsOver == \A n \in 1..Len(order) :
    ~(n > 1 /\ order[n][1] > order[n - 1][1] /\ order[n - 1][2] = MaxCounter)

\* Everybody serves, also a server that has promised a higher epoch than that of the leader.
NeverAllServe == ~(\A i \in Server : Serving(i))

\* Of three servers only the first leader can have too low an epoch: once it has resigned, no later one has.
ResignsOnce == \A l \in Server : Leading(l) /\ Serving(l) /\ PromisedAbove(l) => newEpoch[l] = LastOf(InitialLog)[1] + 1

\* An observer serves and has applied what a client wrote.
NeverObserves == \A i \in Observer : Serving(i) => delivered[i] = InitialLog

\* Three leaders, one after the other, have each committed something of their own.
NeverThreeLeaders == Cardinality({order[n][1] : n \in Len(InitialLog) + 1 .. Len(order)}) < 3

\* An epoch commits what an earlier one left.
NeverCommitsOlder == \A l \in Server : Leading(l) /\ Serving(l) =>
    \A n \in Len(InitialLog) + 1 .. Len(delivered[l]) : delivered[l][n][1] = newEpoch[l]
=============================================================================
