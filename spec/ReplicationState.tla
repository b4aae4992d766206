-------------------------- MODULE ReplicationState --------------------------
(***************************************************************************)
(* What one server knows of discovery, synchronisation and broadcast, what *)
(* lies between servers, and how a server begins and leaves a role.        *)
(*                                                                         *)
(* Mirror:   core/replication/state.ts.                                    *)
(***************************************************************************)
EXTENDS Integers, FiniteSets, Sequences

CONSTANTS
    Server,      \* ids of the servers; positive naturals
    Observer,    \* those of them that do not vote
    InitialLog,  \* transactions that every server has and knows committed at first
    Promises,    \* pairs of a server and an epoch that it has accepted at first, from somebody who never came to lead
    EpochWrites, \* "step": writing an epoch file is a step; "eager": done when asked
    MaxCounter,  \* the last counter that a leader may give in its epoch
    LateNotice,  \* TRUE: each side notices a broken connection in a step of its own
    Bugs         \* historic bugs switched on, by their JIRA names

None == 0

ASSUME ServerAssumption == Server \subseteq Nat \ {None} /\ IsFiniteSet(Server)
ASSUME ObserverAssumption == Observer \subseteq Server
ASSUME PromisesAssumption == Promises \subseteq Server \X Nat
ASSUME EpochWritesAssumption == EpochWrites \in {"step", "eager"}
ASSUME MaxCounterAssumption == MaxCounter \in Nat \ {0}
ASSUME LateNoticeAssumption == LateNotice \in BOOLEAN
ASSUME BugsAssumption == Bugs \subseteq
    {"ZOOKEEPER-335", "ZOOKEEPER-962", "ZOOKEEPER-1154", "ZOOKEEPER-1319", "ZOOKEEPER-2355", "ZOOKEEPER-2845",
     "ZOOKEEPER-3104", "ZOOKEEPER-3642", "ZOOKEEPER-3911", "ZOOKEEPER-4394", "ZOOKEEPER-4643", "ZOOKEEPER-4646",
     "ZOOKEEPER-4685", "ZOOKEEPER-4712", "ZOOKEEPER-4785", "ZOOKEEPER-4925", "StickyAck",
     "ResignForgets", "ZOOKEEPER-2832", "ZOOKEEPER-4837", "KeptSyncs"}

VARIABLES
    phase,         \* phase[i]: DOWN LOOKING DISCOVERY SYNCHRONIZATION BROADCAST
    leader,        \* leader[i]: whom i follows; i itself when it leads
    acceptedEpoch, \* acceptedEpoch[i]: the highest epoch that i has promised, as i knows it
    currentEpoch,  \* currentEpoch[i]: the epoch that i synchronised in last, as i knows it
    epochFile,     \* epochFile[i]: <<accepted, current>> as they are on disk
    saving,        \* saving[i]: what i has asked its disk to save: none accepted current snapshot
    log,           \* log[i]: zxids of the transactions on i's disk, snapshot included, oldest first
    synced,        \* synced[i]: how many of them an fsync has covered
    base,          \* base[i]: how many of them the snapshot holds that i has loaded
    delivered,     \* delivered[i]: what has been applied to i's tree, in order
    newEpoch,      \* newEpoch[l]: the epoch of leader l once it is fixed, 0 before
    learners,      \* learners[l][i]: what leader l knows of learner i
    sync,          \* sync[i]: where follower i stands in its synchronisation
    net            \* net[i][j]: packets from i to j on their connection, oldest first

serverVars == <<phase, leader, acceptedEpoch, currentEpoch, saving, newEpoch, learners, sync>>
diskVars   == <<epochFile, log, synced, base>>
vars       == <<serverVars, diskVars, delivered, net>>

-----------------------------------------------------------------------------
(* Data                                                                    *)

ZeroZxid == <<0, 0>>
Below(z, w) == z[1] < w[1] \/ (z[1] = w[1] /\ z[2] < w[2])
LastOf(s) == IF s = <<>> THEN ZeroZxid ELSE s[Len(s)]
Prefix(s, n) == SubSeq(s, 1, n)
IsPrefix(s, t) == Len(s) <= Len(t) /\ s = Prefix(t, Len(s))
Max(S) == CHOOSE n \in S : \A m \in S : m <= n
UpTo(s, z) == Max({0} \cup {k \in 1..Len(s) : ~Below(z, s[k])})  \* how many entries are at or below z
IsQuorum(S) == 2 * Cardinality(S \ Observer) > Cardinality(Server \ Observer)

\* What a server says of its history in votes and in ACKEPOCH: the last transaction that it has logged.
LastZxid(i) ==
    IF "ZOOKEEPER-2845" \in Bugs THEN LastOf(delivered[i])
    \* The tree that half a SNAP has left.
    ELSE IF "ZOOKEEPER-3642" \in Bugs /\ Below(LastOf(log[i]), LastOf(delivered[i])) THEN LastOf(delivered[i])
    \* The zxid of a DIFF that was not read to its end.
    ELSE IF "ZOOKEEPER-2355" \in Bugs /\ sync[i].snap # <<>> THEN LastOf(sync[i].snap)
    \* What still waits for the disk is not known to the tree yet.
    ELSE IF "ZOOKEEPER-4712" \in Bugs THEN LastOf(Prefix(log[i], synced[i]))
    ELSE LastOf(log[i])

\* Votes and epoch acknowledgements are compared by epoch, then zxid.
Newer(e, z, f, w) == e > f \/ (e = f /\ Below(w, z))

\* The tree d with what is new of s; with ZOOKEEPER-3642 the tree may have what the log has not.
Applied(d, s) ==
    IF Bugs \cap {"ZOOKEEPER-3642", "ZOOKEEPER-4837"} # {} THEN d \o SelectSeq(s, LAMBDA z : Below(LastOf(d), z)) ELSE s

Looking(i)       == phase[i] = "LOOKING"
Serving(i)       == phase[i] = "BROADCAST"
Leading(i)       == leader[i] = i
Following(i)     == leader[i] \notin {None, i}
FromLeader(i, l) == leader[i] = l /\ i # l
FromVoter(i)     == i \notin Observer
FromObserver(i)  == i \in Observer

Saving(i, files) == saving[i] \in files

\* Nothing is on its way to i's disk: only then does i look for a leader (ZOOKEEPER-4712).
Quiescent(i) == saving[i] = "none" /\ IF "ZOOKEEPER-4712" \in Bugs THEN TRUE ELSE synced[i] = Len(log[i])

Stage == {"none", "info", "epoch", "waiting", "ackepoch", "syncing", "synced"}
NoLearner  == [stage |-> "none", zxid |-> ZeroZxid]
NoLearners == [i \in Server |-> NoLearner]

\* What leader l keeps of the acknowledgements of learner i when their connection ends: nothing. With StickyAck, all.
Kept(l, i) ==
    IF "StickyAck" \in Bugs /\ phase[l] = "BROADCAST" /\ learners[l][i].zxid[1] <= newEpoch[l]
      THEN learners[l][i].zxid
      ELSE ZeroZxid
Forgotten(l, i) == [stage |-> "none", zxid |-> Kept(l, i)]

\* mode: none DIFF SNAP; stage: packets (until NEWLEADER), logging (until its ACK), acked (until UPTODATE).
\* pending: proposals not logged yet; commits: how many of them are committed; snap: the history that SNAP brought.
NoSync == [mode |-> "none", stage |-> "packets", pending |-> <<>>, commits |-> 0, snap |-> <<>>]

Packet(type, zxid) == [type |-> type, zxid |-> zxid]
Eof == Packet("EOF", ZeroZxid)

-----------------------------------------------------------------------------
(* Connections. A learner opens one to its leader; FOLLOWERINFO, or an     *)
(* observer's OBSERVERINFO, is its first packet. Whoever leaves closes its *)
(* end: what it sent still arrives, then EOF.                              *)

HeadIs(i, j, type) == net[i][j] # <<>> /\ Head(net[i][j]).type = type
Introduces(i, j) == HeadIs(i, j, "FOLLOWERINFO") \/ HeadIs(i, j, "OBSERVERINFO")
Ended(q) == q # <<>> /\ q[Len(q)].type = "EOF"

\* End j of the connection between i and j is open.
Open(j, i) ==
    \/ leader[j] = i
    \/ Leading(j) /\ (learners[j][i].stage # "none" \/ Introduces(i, j))

\* What i sends to j can arrive: j has not closed its end, nor opened a new connection that i has not looked at.
Reaches(i, j) == ~Ended(net[j][i]) /\ ~Introduces(j, i)

Received(n, i, j) == [n EXCEPT ![i][j] = Tail(@)]
Sent(n, i, j, packets) ==
    IF Reaches(i, j) THEN [n EXCEPT ![i][j] = @ \o packets] ELSE n

\* Leader l sends each learner its own packets.
SentToAll(n, l, packets(_)) ==
    [n EXCEPT ![l] = [i \in Server |-> IF i # l /\ Reaches(l, i) THEN @[i] \o packets(i) ELSE @[i]]]

\* Server i closes all its connections.
Closed(n, i) ==
    [s \in Server |-> [t \in Server |->
        IF t = i THEN <<>>
        ELSE IF s = i /\ Open(t, i) /\ ~Ended(n[s][t]) THEN Append(n[s][t], Eof)
        ELSE IF s = i /\ ~Open(t, i) THEN <<>>
        ELSE n[s][t]]]

\* Server i closes its connection with j.
ClosedOne(n, i, j) ==
    [n EXCEPT ![j][i] = <<>>, ![i][j] = IF Open(j, i) /\ ~Ended(@) THEN Append(@, Eof) ELSE @]

-----------------------------------------------------------------------------
(* Leaving a role                                                          *)

\* A snapshot that is being written is kept until the disk has answered. With ZOOKEEPER-2355 the zxid of a DIFF stays
\* known, with ZOOKEEPER-4925 what came by DIFF.
LeftSync(i) ==
    IF saving[i] = "snapshot" \/ (Bugs \cap {"ZOOKEEPER-2355", "ZOOKEEPER-4925"} # {} /\ sync[i].mode # "SNAP")
      THEN [NoSync EXCEPT !.snap = sync[i].snap]
      ELSE NoSync

\* The servers of S go back to LOOKING.
Left(S) ==
    /\ phase' = [i \in Server |-> IF i \in S THEN "LOOKING" ELSE phase[i]]
    /\ leader' = [i \in Server |-> IF i \in S THEN None ELSE leader[i]]
    /\ newEpoch' = [i \in Server |-> IF i \in S THEN 0 ELSE newEpoch[i]]
    /\ sync' = [i \in Server |-> IF i \in S THEN LeftSync(i) ELSE sync[i]]

\* Server i asks its disk for its epoch files; EpochSaved is the answer.
SaveEpoch(i, file, accepted, current) ==
    /\ acceptedEpoch' = [acceptedEpoch EXCEPT ![i] = accepted]
    /\ currentEpoch' = [currentEpoch EXCEPT ![i] = current]
    /\ saving' = [saving EXCEPT ![i] = file]
    /\ epochFile' = IF EpochWrites = "eager" THEN [epochFile EXCEPT ![i] = <<accepted, current>>] ELSE epochFile

epochVars == <<acceptedEpoch, currentEpoch, saving, epochFile>>

-----------------------------------------------------------------------------
(* Beginning                                                               *)

\* Server i starts from its files, snapshot t and what follows it in log s: the rest of the log waits for a leader.
RestartWith(i, t, s) ==
    /\ phase[i] = "DOWN"
    /\ phase' = [phase EXCEPT ![i] = "LOOKING"]
    \* The log is written before currentEpoch: an entry of epoch e shows that e was reached.
    /\ currentEpoch' = [currentEpoch EXCEPT ![i] =
          IF "ZOOKEEPER-335" \in Bugs THEN LastOf(s)[1] ELSE Max({@, LastOf(s)[1]})]
    \* As if there were no files of epochs.
    /\ IF "ZOOKEEPER-335" \in Bugs
         THEN /\ acceptedEpoch' = [acceptedEpoch EXCEPT ![i] = LastOf(s)[1]]
              /\ epochFile' = [epochFile EXCEPT ![i] = <<LastOf(s)[1], LastOf(s)[1]>>]
         ELSE UNCHANGED <<acceptedEpoch, epochFile>>
    /\ delivered' = [delivered EXCEPT ![i] = IF "ZOOKEEPER-2845" \in Bugs THEN s ELSE t]
    /\ base' = [base EXCEPT ![i] = Len(t)]
    /\ log' = [log EXCEPT ![i] = s]
    /\ synced' = [synced EXCEPT ![i] = Len(s)]
    /\ UNCHANGED <<leader, saving, newEpoch, learners, sync, net>>

\* The snapshot is the one that SNAP has brought, if any; Snapshots.tla has those that servers take themselves.
Restart(i) == RestartWith(i, Prefix(log[i], base[i]), log[i])
=============================================================================
