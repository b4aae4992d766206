---------------------------- MODULE MCClientSync ----------------------------
(***************************************************************************)
(* Bounds and invariants for models of ClientSync.                         *)
(***************************************************************************)
EXTENDS MCReplication, ClientSync

CONSTANTS Syncs   \* how often a client may ask

VARIABLES
    requests, \* how often one still may
    asked,    \* history: asked[i]: for each sync of a client of i that waits, oldest first:
              \*   led:  how much its leader had applied when it was asked
              \*   seen: how much any server had, which is what clients may have been told
    behind    \* history: what the server had not applied that answered a sync, of what it then should: led seen;
              \*   unasked: nobody there had asked

syncVars == <<mcVars, syncs, requests, asked, behind>>

-----------------------------------------------------------------------------

\* A server that stops serving tells its clients nothing more.
Served == asked' = [i \in Server |-> IF phase'[i] = "BROADCAST" THEN asked[i] ELSE <<>>]

\* Every step that no sync takes.
Apart == HeldSyncs /\ Served /\ UNCHANGED <<requests, behind>>

Asked(i) == Append(asked[i], [led |-> Len(delivered[leader[i]]), seen |-> Len(order)])

\* The n oldest syncs of clients of server i are answered.
Answered(i, n) ==
    /\ asked' = [asked EXCEPT ![i] = SubSeq(@, n + 1, Len(@))]
    /\ behind' = behind \cup
          (IF n > Len(asked[i]) THEN {"unasked"} ELSE {}) \cup
          UNION {(IF Len(delivered[i]) < asked[i][k].led THEN {"led"} ELSE {}) \cup
                 (IF Len(delivered[i]) < asked[i][k].seen THEN {"seen"} ELSE {}) : k \in 1..n \cap 1..Len(asked[i])}

Calm == UNCHANGED <<budget, order>>

MCRequestSync(i) ==
    /\ RequestSync(i)
    /\ requests > 0 /\ requests' = requests - 1
    /\ asked' = [asked EXCEPT ![i] = Asked(i)]
    /\ UNCHANGED behind /\ Calm

MCAskSync(l, i) ==
    /\ AskSync(l, i)
    /\ IF i = l
         THEN /\ requests > 0 /\ requests' = requests - 1
              /\ asked' = [asked EXCEPT ![l] = Asked(l)]
         ELSE UNCHANGED <<requests, asked>>
    /\ UNCHANGED behind /\ Calm

MCReleaseSyncs(l) ==
    /\ ReleaseSyncs(l)
    /\ Answered(l, Len(DueOf(l, l)))
    /\ UNCHANGED requests /\ Calm

MCSynced(i, l) == Synced(i, l) /\ Answered(i, 1) /\ UNCHANGED requests /\ Calm

SyncHandleFollowerInfo(i, j) == MCHandleFollowerInfo(i, j) /\ Apart
SyncHandleObserverInfo(i, j) == MCHandleObserverInfo(i, j) /\ Apart
SyncHandleInform(i, j)       == MCHandleInform(i, j) /\ Apart
SyncHandleLeaderInfo(i, j)   == MCHandleLeaderInfo(i, j) /\ Apart
SyncHandleAckEpoch(i, j)     == MCHandleAckEpoch(i, j) /\ Apart
SyncHandleDiff(i, j)         == MCHandleDiff(i, j) /\ Apart
SyncHandleTrunc(i, j)        == MCHandleTrunc(i, j) /\ Apart
SyncHandleSnap(i, j)         == MCHandleSnap(i, j) /\ Apart
SyncHandleNewLeader(i, j)    == MCHandleNewLeader(i, j) /\ Apart
SyncHandleUpToDate(i, j)     == MCHandleUpToDate(i, j) /\ Apart
SyncHandleProposal(i, j)     == MCHandleProposal(i, j) /\ Apart
SyncHandleAck(i, j)          == MCHandleAck(i, j) /\ Apart
SyncHandleCommit(i, j)       == MCHandleCommit(i, j) /\ Apart
SyncNoticeClose(i, j)        == MCNoticeClose(i, j) /\ Apart
SyncLogSynced(i, k)          == MCLogSynced(i, k) /\ Apart
SyncEpochSaved(i)            == MCEpochSaved(i) /\ Apart
SyncSnapshotSaved(i)         == MCSnapshotSaved(i) /\ Apart
SyncWriteEpochFile(i)        == MCWriteEpochFile(i) /\ Apart
SyncLeaderTimeout(i)         == MCLeaderTimeout(i) /\ Apart
SyncResign(i)                == MCResign(i) /\ Apart
SyncRestart(i)               == MCRestart(i) /\ Apart
SyncElected(i, j)            == MCElected(i, j) /\ Apart
SyncPropose(i)               == MCPropose(i) /\ Apart
SyncBreak(i, j)              == MCBreak(i, j) /\ Apart
SyncCrash(i, k)              == MCCrash(i, k) /\ Apart

-----------------------------------------------------------------------------

SyncsFirst ==
    /\ syncs = NoSyncs /\ requests = Syncs
    /\ asked = [i \in Server |-> <<>>] /\ behind = {}

SyncInit == MCInit /\ SyncsFirst

SyncEstablished == Established /\ SyncsFirst

-----------------------------------------------------------------------------
(* Properties                                                              *)

SyncTypeOK == \A l \in Server :
    /\ (syncs[l] # <<>> => Leading(l))
    /\ \A n \in 1..Len(syncs[l]) : syncs[l][n].origin \in Server

\* Whoever is told that a sync is done had asked for one.
SyncIsAsked == "unasked" \notin behind

\* A server that answers a sync has all that its leader had applied when the client asked.
SyncReachesLeader == "led" \notin behind

\* It has all that any server had, so that clients read what other clients were told. Not so where a leader has lost its
\* quorum and does not know yet.
SyncIsFresh == "seen" \notin behind

-----------------------------------------------------------------------------
(* What they speak of does happen.                                         *)

\* A sync waits for a transaction that is under way.
NeverWaits == \A l \in Server : Due(l) = Len(syncs[l])

\* An answer is on its way behind a COMMIT.
NeverBehindCommit == \A i, l \in Server :
    ~(Len(net[l][i]) > 1 /\ net[l][i][1].type = "COMMIT" /\ net[l][i][2].type = "SYNC")
=============================================================================
