---------------------------- MODULE MCSnapshots -----------------------------
(***************************************************************************)
(* Bounds, environment and invariants for models of Snapshots.             *)
(***************************************************************************)
EXTENDS MCReplication, Snapshots

CONSTANTS Snaps   \* how many snapshots may be taken

VARIABLES takes   \* how many are left

snapVars == <<mcVars, snapshots, takes>>

Same == UNCHANGED <<snapshots, takes>>

MCTakeSnapshot(i) ==
    /\ takes > 0 /\ takes' = takes - 1
    /\ TakeSnapshot(i)
    /\ UNCHANGED <<budget, order>>
MCPlaceSnapshot(i) == PlaceSnapshot(i) /\ UNCHANGED <<budget, order, takes>>

SnapHandleTrunc(i, j)     == CutHandleTrunc(i, j) /\ Free /\ Longest /\ UNCHANGED takes
SnapHandleNewLeader(i, j) == OvertakingHandleNewLeader(i, j) /\ Free /\ Longest /\ UNCHANGED takes
SnapSnapshotSaved(i)      == ReplacingSnapshotSaved(i) /\ Free /\ Longest /\ UNCHANGED takes
SnapRestart(i)            == RecoveringRestart(i) /\ Free /\ Longest /\ UNCHANGED takes
SnapCrash(i, k)           == HalfWrittenCrash(i, k) /\ Spend(2) /\ Longest /\ UNCHANGED takes

SnapElected(i, j)            == MCElected(i, j) /\ Same
SnapPropose(i)               == MCPropose(i) /\ Same
SnapBreak(i, j)              == MCBreak(i, j) /\ Same
SnapHandleFollowerInfo(i, j) == MCHandleFollowerInfo(i, j) /\ Same
SnapHandleLeaderInfo(i, j)   == MCHandleLeaderInfo(i, j) /\ Same
SnapHandleAckEpoch(i, j)     == MCHandleAckEpoch(i, j) /\ Same
SnapHandleDiff(i, j)         == MCHandleDiff(i, j) /\ Same
SnapHandleSnap(i, j)         == MCHandleSnap(i, j) /\ Same
SnapHandleUpToDate(i, j)     == MCHandleUpToDate(i, j) /\ Same
SnapHandleProposal(i, j)     == MCHandleProposal(i, j) /\ Same
SnapHandleAck(i, j)          == MCHandleAck(i, j) /\ Same
SnapHandleCommit(i, j)       == MCHandleCommit(i, j) /\ Same
SnapNoticeClose(i, j)        == MCNoticeClose(i, j) /\ Same
SnapLogSynced(i, k)          == MCLogSynced(i, k) /\ Same
SnapEpochSaved(i)            == MCEpochSaved(i) /\ Same
SnapLeaderTimeout(i)         == MCLeaderTimeout(i) /\ Same

-----------------------------------------------------------------------------

SnapsFirst == snapshots = [i \in Server |-> NoSnapshots] /\ takes = Snaps

SnapInit == MCInit /\ SnapsFirst

SnapEstablished == Established /\ SnapsFirst

\* A named state to start from: the highest voter led an epoch and has logged what nobody else has; it has stopped and
\* started again, and all look for a leader.
Trailing ==
    LET t == Max(Server \ Observer)
        e == LastOf(InitialLog)[1] + 1
        s == Append(InitialLog, <<e, 1>>)
    IN  /\ phase = [i \in Server |-> "LOOKING"]
        /\ leader = [i \in Server |-> None]
        /\ acceptedEpoch = [i \in Server |-> e]
        /\ currentEpoch = [i \in Server |-> e]
        /\ epochFile = [i \in Server |-> <<e, e>>]
        /\ saving = [i \in Server |-> "none"]
        /\ log = [i \in Server |-> IF i = t THEN s ELSE InitialLog]
        /\ synced = [i \in Server |-> Len(log[i])]
        /\ base = [i \in Server |-> 0]
        /\ delivered = [i \in Server |-> IF i = t THEN <<>> ELSE InitialLog]
        /\ newEpoch = [i \in Server |-> 0]
        /\ learners = [i \in Server |-> NoLearners]
        /\ sync = [i \in Server |-> NoSync]
        /\ net = [i \in Server |-> [j \in Server |-> <<>>]]
        /\ budget = <<Txns, Crashes, Cuts, Elections>>
        /\ order = InitialLog
        /\ SnapsFirst

-----------------------------------------------------------------------------
(* Properties                                                              *)

\* No snapshot holds more than what is committed.
SnapshotsAreCommitted == \A i \in Server :
    LET all == snapshots[i].whole \o snapshots[i].begun
    IN  \A n \in 1..Len(all) : IsPrefix(all[n], order)

\* A start finds just the log, whenever it comes.
RecoversLog == \A i \in Server : Recovered(i) = log[i] /\ Len(Newest(i)) <= synced[i]

-----------------------------------------------------------------------------
(* What they speak of does happen.                                         *)

\* A server starts from a snapshot that it has taken, and replays something behind it.
NeverReplays == \A i \in Server : Looking(i) => ~(base[i] > 0 /\ Len(log[i]) > base[i])
=============================================================================
