----------------------------- MODULE Membership -----------------------------
(***************************************************************************)
(* Dynamic reconfiguration: the set of voters is itself changed by a       *)
(* transaction. From its proposal on, that transaction and all behind it   *)
(* need a quorum of the old and one of the new configuration; when it is   *)
(* committed the new one is active and the old one is gone.                *)
(*                                                                         *)
(* Coarser than Replication: an entry is on disk when it is appended, an   *)
(* election with its promises is one step, a learner takes the leader's    *)
(* history over in one step. Whoever leaves closes its connections: what   *)
(* it sent still arrives, then EOF.                                        *)
(*                                                                         *)
(* Source:   Shraer, Reed, Malkhi, Junqueira: Dynamic Reconfiguration of   *)
(*           Primary/Backup Clusters (2012); Leader, Learner, QuorumPeer   *)
(*           and PrepRequestProcessor in Apache ZooKeeper 3.9.             *)
(* Refines:  AtomicBroadcast (MembershipProof).                            *)
(* Mirror:   core/membership.ts; Elect, Crash and Break are the world's.   *)
(***************************************************************************)
EXTENDS Integers, FiniteSets, Sequences

CONSTANTS
    Server,        \* ids: positive naturals
    InitVoters,    \* the configuration that everybody knows at first, of version <<0, 0>>
    InitObservers,
    Requests,      \* Requests[n]: [from, whole, voters, observers, leaving]; see NextConfig
    MinVoters,     \* with fewer voters a reconfig is refused: 2, or 1 where a server may stand alone
    Bugs

None == 0

ASSUME ServerAssumption == Server \subseteq Nat \ {None} /\ IsFiniteSet(Server)
ASSUME MembersAssumption ==
    InitVoters # {} /\ InitVoters \subseteq Server /\ InitObservers \subseteq Server \ InitVoters
ASSUME BugsAssumption == Bugs \subseteq
    {"NewQuorumOnly", "OldQuorumOnly", "ActivateAtProposal", "TwoInFlight", "ObserverVotes", "PromisesOfActive",
     "UpToDateActivatesLastSeen", "ZOOKEEPER-1324", "ZOOKEEPER-1699", "ZOOKEEPER-3829"}

VARIABLES
    phase,         \* phase[i]: DOWN LOOKING SYNCHRONIZATION BROADCAST
    leader,        \* leader[i]: whom i follows; i itself when it leads
    acceptedEpoch, \* acceptedEpoch[i]: the highest epoch that i has promised; durable
    currentEpoch,  \* currentEpoch[i]: the epoch whose history i has taken over; durable
    log,           \* log[i]: entries [zxid, change]; durable
    config,        \* config[i]: the active configuration, as i knows it; durable
    lastSeen,      \* lastSeen[i]: the newest configuration that i knows of, committed or not; durable
    delivered,     \* delivered[i]: how many entries of its log i has applied as committed; 0 without a leader
    learners,      \* learners[l][i]: what leader l knows of learner i
    needs,         \* needs[l]: for each outstanding proposal the configurations whose quorums it needs
    retired,       \* retired[l]: l still leads, and may not commit any more: it is no voter of the active configuration
    net            \* net[i][j]: packets from i to j, oldest first

diskVars == <<acceptedEpoch, currentEpoch, log, config, lastSeen>>
roleVars == <<phase, leader, delivered, learners, needs, retired>>
vars     == <<diskVars, roleVars, net>>

-----------------------------------------------------------------------------
(* Data                                                                    *)

ZeroZxid == <<0, 0>>
Below(z, w) == z[1] < w[1] \/ (z[1] = w[1] /\ z[2] < w[2])
Prefix(s, n) == SubSeq(s, 1, n)
IsPrefix(s, t) == Len(s) <= Len(t) /\ s = Prefix(t, Len(s))
Max(S) == CHOOSE n \in S : \A m \in S : m <= n
Min(S) == CHOOSE n \in S : \A m \in S : n <= m

NoChange == [voters |-> {}, observers |-> {}]
IsReconfig(entry) == entry.change # NoChange
LastZxid(s) == IF s = <<>> THEN ZeroZxid ELSE s[Len(s)].zxid

ConfigOf(entry) == [version |-> entry.zxid, voters |-> entry.change.voters, observers |-> entry.change.observers]
InitConfig == [version |-> ZeroZxid, voters |-> InitVoters, observers |-> InitObservers]
Newest(c, d) == IF Below(c.version, d.version) THEN d ELSE c

\* The configuration after the entries s are applied to a server whose configuration is c.
RECURSIVE After(_, _)
After(c, s) ==
    IF s = <<>> THEN c
    ELSE After(IF IsReconfig(Head(s)) THEN Newest(c, ConfigOf(Head(s))) ELSE c, Tail(s))

IsQuorum(S, c) ==
    IF "ObserverVotes" \in Bugs
      THEN 2 * Cardinality(S) > Cardinality(c.voters)
      ELSE 2 * Cardinality(S \cap c.voters) > Cardinality(c.voters)

QuorumOfAll(S, cs) == \A c \in cs : IsQuorum(S, c)

\* The configurations that decide for a server which knows c active and s as the last seen one.
Deciding(c, s) ==
    IF ~Below(c.version, s.version) THEN {c}
    ELSE IF "NewQuorumOnly" \in Bugs THEN {s}
    ELSE IF "OldQuorumOnly" \in Bugs THEN {c}
    ELSE {c, s}

\* What server i is in configuration c. One that is in no configuration may follow, and its word does not count.
Observes(i, c) == i \in c.observers

Looking(i)       == phase[i] = "LOOKING"
Leading(i)       == leader[i] = i
Established(l)   == Leading(l) /\ phase[l] = "BROADCAST"
FromLeader(i, l) == leader[i] = l /\ i # l
Voting(i)        == i \in config[i].voters

NoLearner  == [stage |-> "none", observer |-> FALSE, zxid |-> ZeroZxid]
NoLearners == [i \in Server |-> NoLearner]

-----------------------------------------------------------------------------
(* Connections                                                             *)

Packet(type) == [type |-> type]
Eof == Packet("EOF")
Info(i) == Packet(IF Observes(i, config[i]) THEN "OBSERVERINFO" ELSE "FOLLOWERINFO")
HeadIs(i, j, types) == net[i][j] # <<>> /\ Head(net[i][j]).type \in types
HasEof(q) == \E n \in 1..Len(q) : q[n].type = "EOF"
UpToEof(q) == Prefix(q, Min({n \in 1..Len(q) : q[n].type = "EOF"}))
Received(n, i, j) == [n EXCEPT ![i][j] = Tail(@)]

\* What leader l sends to learner i can arrive: i still is on the connection that l knows.
Reaches(n, ls, l, i) == ls[i].stage # "none" /\ leader[i] = l /\ ~HasEof(n[i][l])

SentToAll(n, l, ls, packets(_)) ==
    [n EXCEPT ![l] = [i \in Server |-> IF i # l /\ Reaches(n, ls, l, i) THEN @[i] \o packets(i) ELSE @[i]]]

\* Learner i answers its leader.
Answered(n, i, l, packet) == IF HasEof(n[l][i]) THEN n ELSE [n EXCEPT ![i][l] = Append(@, packet)]

\* Server i closes all its connections.
Closed(n, i) ==
    [s \in Server |-> [t \in Server |->
        IF t = i THEN <<>>
        ELSE IF s # i THEN n[s][t]
        ELSE IF leader[t] = i THEN IF HasEof(n[i][t]) THEN n[i][t] ELSE Append(n[i][t], Eof)
        ELSE IF learners[t][i].stage = "none" THEN <<>>  \* the leader has not looked at this connection yet
        ELSE IF HasEof(n[i][t]) THEN UpToEof(n[i][t])
        ELSE Append(n[i][t], Eof)]]

\* Server i gives up its role.
Left(i) ==
    /\ phase' = [phase EXCEPT ![i] = "LOOKING"]
    /\ leader' = [leader EXCEPT ![i] = None]
    /\ delivered' = [delivered EXCEPT ![i] = 0]
    /\ learners' = [learners EXCEPT ![i] = NoLearners]
    /\ needs' = [needs EXCEPT ![i] = <<>>]
    /\ retired' = [retired EXCEPT ![i] = FALSE]

-----------------------------------------------------------------------------
(* Elections. A leader is elected, and its epoch promised, in one step of  *)
(* the world: the electors are any that suffice.                           *)

Bit(n, k) == (n \div (2^k)) % 2 = 1
Electors(q) == {i \in Server : Bit(q, i - 1)}

\* In the order of votes: the epoch that was taken over last, then the last zxid.
UpTo(j, l) ==
    \/ currentEpoch[j] < currentEpoch[l]
    \/ currentEpoch[j] = currentEpoch[l] /\ ~Below(LastZxid(log[l]), LastZxid(log[j]))

BestOfElectors(l, Q) == l \in Q /\ \A j \in Q : UpTo(j, l)

\* The promises of Q suffice for l to lead. ZooKeeper counts promises in the active configuration alone; with nothing
\* assumed of elections that allows two leaders of one epoch.
Backed(l, Q) ==
    QuorumOfAll(Q, IF "PromisesOfActive" \in Bugs THEN {config[l]} ELSE Deciding(config[l], lastSeen[l]))

\* Leader l is established once the quorums of both configurations have taken its history over: what it has is
\* committed, and the configuration that it saw last is active. One that is no voter there may not commit more.
Activates(l) == IF "ZOOKEEPER-1324" \in Bugs THEN config[l] ELSE lastSeen[l]
Retires(l) == l \notin Activates(l).voters

\* Server l is to lead; the other electors follow it.
Elect(l, q) ==
    LET Q     == Electors(q)
        e     == 1 + Max({acceptedEpoch[i] : i \in Q})
        alone == QuorumOfAll({l}, Deciding(config[l], lastSeen[l]))
    IN  /\ \A i \in Q : Looking(i)
        /\ Voting(l)
        /\ BestOfElectors(l, Q)
        /\ Backed(l, Q)
        /\ acceptedEpoch' = [i \in Server |-> IF i \in Q THEN e ELSE acceptedEpoch[i]]
        /\ currentEpoch' = [currentEpoch EXCEPT ![l] = e]
        /\ phase' = [i \in Server |->
              IF i = l /\ alone THEN "BROADCAST" ELSE IF i \in Q THEN "SYNCHRONIZATION" ELSE phase[i]]
        /\ leader' = [i \in Server |-> IF i \in Q THEN l ELSE leader[i]]
        /\ delivered' = IF alone THEN [delivered EXCEPT ![l] = Len(log[l])] ELSE delivered
        /\ config' = IF alone THEN [config EXCEPT ![l] = Activates(l)] ELSE config
        /\ retired' = IF alone THEN [retired EXCEPT ![l] = Retires(l)] ELSE retired
        /\ net' = [s \in Server |-> [t \in Server |->
              IF t = l /\ s \in Q \ {l}
                THEN Append(net[s][l], Info(s))
              ELSE net[s][t]]]
        /\ UNCHANGED <<log, lastSeen, learners, needs>>

EpochNotBelow(i, e) == acceptedEpoch[i] <= e

\* Server i is told of leader l, connects, and says whether it observes. It promises the leader's epoch.
Follow(i, l) ==
    /\ Looking(i)
    /\ Leading(l)
    /\ EpochNotBelow(i, currentEpoch[l])
    /\ phase' = [phase EXCEPT ![i] = "SYNCHRONIZATION"]
    /\ leader' = [leader EXCEPT ![i] = l]
    /\ acceptedEpoch' = [acceptedEpoch EXCEPT ![i] = currentEpoch[l]]
    /\ net' = [net EXCEPT ![l][i] = <<>>,
                          ![i][l] = Append(@, Info(i))]
    /\ UNCHANGED <<currentEpoch, log, config, lastSeen, delivered, learners, needs, retired>>

NewerConfig(i, c) == Below(config[i].version, c.version)

\* A server that looks hears from j, whose active configuration is newer, and takes it for active.
LearnConfig(i, j) ==
    /\ Looking(i)
    /\ phase[j] # "DOWN"
    /\ NewerConfig(i, config[j])
    /\ config' = [config EXCEPT ![i] = config[j]]
    /\ lastSeen' = [lastSeen EXCEPT ![i] = Newest(@, config[j])]
    /\ UNCHANGED <<acceptedEpoch, currentEpoch, log, roleVars, net>>

-----------------------------------------------------------------------------
(* Synchronisation                                                         *)

\* Leader l hears from learner i and sends it the history: all of its log, or, once it is established, what is
\* committed and the outstanding proposals behind it. An observer is told of proposals when they are committed.
HandleInfo(l, i) ==
    LET watching == Head(net[i][l]).type = "OBSERVERINFO"
        h == IF Established(l) THEN Prefix(log[l], delivered[l]) ELSE log[l]
        \* ZooKeeper names the last seen configuration here, also while it is not committed.
        c == IF Established(l) /\ "UpToDateActivatesLastSeen" \notin Bugs THEN config[l] ELSE lastSeen[l]
        rest == [k \in 1..(Len(log[l]) - Len(h)) |-> [type |-> "PROPOSAL", entry |-> log[l][Len(h) + k]]]
    IN  /\ Leading(l)
        /\ HeadIs(i, l, {"FOLLOWERINFO", "OBSERVERINFO"})
        /\ learners' = [learners EXCEPT ![l][i] = [stage |-> "syncing", observer |-> watching, zxid |-> LastZxid(h)]]
        /\ net' = [Received(net, i, l) EXCEPT ![l][i] =
              <<[type |-> "NEWLEADER", history |-> h, config |-> c]>> \o (IF watching THEN <<>> ELSE rest)]
        /\ UNCHANGED <<diskVars, phase, leader, delivered, needs, retired>>

\* Learner i takes the leader's history over, in place of what it has, and its epoch.
HandleNewLeader(i, l) ==
    LET m == Head(net[l][i])
    IN  /\ FromLeader(i, l)
        /\ HeadIs(l, i, {"NEWLEADER"})
        /\ log' = [log EXCEPT ![i] = m.history]
        /\ currentEpoch' = [currentEpoch EXCEPT ![i] = acceptedEpoch[i]]
        /\ lastSeen' = [lastSeen EXCEPT ![i] = Newest(config[i], m.config)]
        /\ delivered' = [delivered EXCEPT ![i] = Len(m.history)]
        /\ net' = Answered(Received(net, l, i), i, l, [type |-> "ACK", zxid |-> <<acceptedEpoch[i], 0>>])
        /\ UNCHANGED <<acceptedEpoch, config, phase, leader, learners, needs, retired>>

\* The configuration that an established leader's history gives is active. A learner whose part in it is another one
\* than before leaves and comes back as what it is now.
HandleUpToDate(i, l) ==
    LET c == IF "UpToDateActivatesLastSeen" \in Bugs THEN lastSeen[i]
             ELSE After(config[i], Prefix(log[i], delivered[i]))
    IN  /\ FromLeader(i, l)
        /\ HeadIs(l, i, {"UPTODATE"})
        /\ config' = [config EXCEPT ![i] = c]
        /\ IF Observes(i, c) # Observes(i, config[i])
             THEN Left(i) /\ net' = Closed(net, i)
             ELSE /\ phase' = [phase EXCEPT ![i] = "BROADCAST"]
                  /\ net' = Received(net, l, i)
                  /\ UNCHANGED <<leader, delivered, learners, needs, retired>>
        /\ UNCHANGED <<acceptedEpoch, currentEpoch, log, lastSeen>>

-----------------------------------------------------------------------------
(* Broadcast                                                               *)

\* Who has acknowledged z to leader l. Who of them counts is for the configurations to say.
Ackers(l, ls, z) == {l} \cup {j \in Server : ls[j].stage = "synced" /\ ~Below(ls[j].zxid, z)}

\* Who is to lead once entry is committed: l, if it is a voter of the new configuration. Otherwise one of those that
\* have acknowledged it, and of these one that has acknowledged most.
Designated(l, ls, entry) ==
    LET candidates == (Ackers(l, ls, entry.zxid) \cap entry.change.voters) \ {l}
        most == {i \in candidates : \A j \in candidates : ~Below(ls[i].zxid, ls[j].zxid)}
    IN  IF l \in entry.change.voters \/ candidates = {} THEN l ELSE Min(most)

HandsOver(l, entry) == IsReconfig(entry) /\ l \notin entry.change.voters

\* How much of log s leader l may count as committed; nd are the needs of what is outstanding.
CommittedLength(l, s, ls, nd) ==
    LET d == delivered[l]
        ok(k) == QuorumOfAll(Ackers(l, ls, s[k].zxid), nd[k - d]) /\ (k > d + 1 => ~HandsOver(l, s[k - 1]))
    IN  IF retired[l] THEN d
        ELSE Max({d} \cup {n \in d + 1 .. Len(s) : \A k \in d + 1 .. n : ok(k)})

CommitPacket(l, ls, j, entry) ==
    LET to == Designated(l, ls, entry)
    IN  IF ls[j].observer
          THEN IF IsReconfig(entry) THEN [type |-> "INFORMANDACTIVATE", entry |-> entry, designated |-> to]
               ELSE [type |-> "INFORM", entry |-> entry]
          ELSE IF IsReconfig(entry) THEN [type |-> "COMMITANDACTIVATE", zxid |-> entry.zxid, designated |-> to]
               ELSE [type |-> "COMMIT", zxid |-> entry.zxid]

\* Leader l commits what it may, tells everybody, and with a reconfig takes the new configuration for active.
Commit(l, s, ls, nd, active, n) ==
    LET d   == delivered[l]
        to  == CommittedLength(l, s, ls, nd)
        new == SubSeq(s, d + 1, to)
    IN  /\ delivered' = [delivered EXCEPT ![l] = to]
        /\ config' = [config EXCEPT ![l] = After(active, new)]
        /\ needs' = [needs EXCEPT ![l] = SubSeq(nd, to - d + 1, Len(nd))]
        /\ retired' = [retired EXCEPT ![l] = @ \/ \E k \in 1..Len(new) : HandsOver(l, new[k])]
        /\ net' = SentToAll(n, l, ls, LAMBDA j : [k \in 1..Len(new) |-> CommitPacket(l, ls, j, new[k])])

NextZxid(l) == <<currentEpoch[l], IF LastZxid(log[l])[1] = currentEpoch[l] THEN LastZxid(log[l])[2] + 1 ELSE 1>>

\* Leader l logs an entry, after which seen is the last seen configuration, and sends it to all but observers.
Proposed(l, entry, seen) ==
    LET s      == Append(log[l], entry)
        active == IF "ActivateAtProposal" \in Bugs THEN seen ELSE config[l]
        nd     == Append(needs[l], Deciding(active, seen))
        sent   == SentToAll(net, l, learners[l], LAMBDA j :
                    IF learners[l][j].observer THEN <<>> ELSE <<[type |-> "PROPOSAL", entry |-> entry]>>)
    IN  /\ log' = [log EXCEPT ![l] = s]
        /\ lastSeen' = [lastSeen EXCEPT ![l] = seen]
        /\ Commit(l, s, learners[l], nd, active, sent)
        /\ UNCHANGED <<acceptedEpoch, currentEpoch, phase, leader, learners>>

Propose(l) ==
    /\ Established(l)
    /\ Proposed(l, [zxid |-> NextZxid(l), change |-> NoChange], lastSeen[l])

\* What request r makes of configuration c: r.whole names all members, otherwise some leave, then others join or
\* change their part.
NextConfig(c, r, version) ==
    IF r.whole THEN [version |-> version, voters |-> r.voters, observers |-> r.observers]
    ELSE LET joining == r.voters \cup r.observers
         IN  [version   |-> version,
              voters    |-> ((c.voters \ r.leaving) \ joining) \cup r.voters,
              observers |-> ((c.observers \ r.leaving) \ joining) \cup r.observers]

NoneInFlight(l) == lastSeen[l].version = config[l].version \/ "TwoInFlight" \in Bugs  \* RECONFIGINPROGRESS
AnyVersion == <<-1, -1>>
SameVersion(l, r) == r.from = AnyVersion \/ r.from = lastSeen[l].version              \* BADVERSION
EnoughVoters(c) == Cardinality(c.voters) >= MinVoters                                 \* BADARGUMENTS

\* A quorum of the new configuration is connected, has the leader's history, and gets proposals.
NewQuorumSynced(l, c) ==                                                              \* NEWCONFIGNOQUORUM
    IsQuorum({l} \cup {j \in Server : learners[l][j].stage = "synced" /\ ~learners[l][j].observer}, c)

\* Leader l is asked for request n.
ProposeReconfig(l, n) ==
    LET r == Requests[n]
        c == NextConfig(lastSeen[l], r, NextZxid(l))
    IN  /\ Established(l)
        /\ NoneInFlight(l)
        /\ SameVersion(l, r)
        /\ EnoughVoters(c)
        /\ NewQuorumSynced(l, c)
        /\ Proposed(l, [zxid |-> c.version, change |-> [voters |-> c.voters, observers |-> c.observers]], c)

\* Learner i logs a proposal and acknowledges it. A reconfig is seen from now on.
HandleProposal(i, l) ==
    LET entry == Head(net[l][i]).entry
    IN  /\ FromLeader(i, l)
        /\ HeadIs(l, i, {"PROPOSAL"})
        /\ log' = [log EXCEPT ![i] = Append(@, entry)]
        /\ lastSeen' = [lastSeen EXCEPT ![i] = After(@, <<entry>>)]
        /\ config' = IF "ActivateAtProposal" \in Bugs THEN [config EXCEPT ![i] = After(@, <<entry>>)] ELSE config
        /\ net' = Answered(Received(net, l, i), i, l, [type |-> "ACK", zxid |-> entry.zxid])
        /\ UNCHANGED <<acceptedEpoch, currentEpoch, roleVars>>

\* Leader l is told that learner i has taken its history over, or has logged a proposal.
HandleAck(l, i) ==
    LET z     == Head(net[i][l]).zxid
        first == z[2] = 0
        ls    == [learners[l] EXCEPT ![i] = [@ EXCEPT !.stage = "synced", !.zxid = IF first THEN @ ELSE z]]
        rest  == Received(net, i, l)
        acks  == {l} \cup {j \in Server : ls[j].stage = "synced"}
    IN  /\ Leading(l)
        /\ HeadIs(i, l, {"ACK"})
        /\ learners' = [learners EXCEPT ![l] = ls]
        /\ IF first /\ phase[l] = "SYNCHRONIZATION" /\ QuorumOfAll(acks, Deciding(config[l], lastSeen[l]))
             THEN /\ phase' = [phase EXCEPT ![l] = "BROADCAST"]
                  /\ delivered' = [delivered EXCEPT ![l] = Len(log[l])]
                  /\ config' = [config EXCEPT ![l] = Activates(l)]
                  /\ retired' = [retired EXCEPT ![l] = Retires(l)]
                  /\ net' = SentToAll(rest, l, ls, LAMBDA j : IF j \in acks THEN <<Packet("UPTODATE")>> ELSE <<>>)
                  /\ UNCHANGED needs
             ELSE IF first
             THEN /\ net' = IF phase[l] = "BROADCAST"
                              THEN SentToAll(rest, l, ls, LAMBDA j : IF j = i THEN <<Packet("UPTODATE")>> ELSE <<>>)
                              ELSE rest
                  /\ UNCHANGED <<phase, delivered, config, retired, needs>>
             ELSE /\ Commit(l, log[l], ls, needs[l], config[l], rest)
                  /\ UNCHANGED phase
        /\ UNCHANGED <<acceptedEpoch, currentEpoch, log, lastSeen, leader>>

NextCommitted(i, z) == delivered[i] < Len(log[i]) /\ log[i][delivered[i] + 1].zxid = z

HandleCommit(i, l) ==
    /\ FromLeader(i, l)
    /\ HeadIs(l, i, {"COMMIT"})
    /\ NextCommitted(i, Head(net[l][i]).zxid)
    /\ delivered' = [delivered EXCEPT ![i] = @ + 1]
    /\ net' = Received(net, l, i)
    /\ UNCHANGED <<diskVars, phase, leader, learners, needs, retired>>

\* Configuration c is active at learner i. It leaves where its own part or the leader is another one now.
Activated(i, l, c, designated) ==
    /\ config' = [config EXCEPT ![i] = c]
    /\ IF Observes(i, c) # Observes(i, config[i]) \/ designated # l
         THEN Left(i) /\ net' = Closed(net, i)
         ELSE /\ delivered' = [delivered EXCEPT ![i] = @ + 1]
              /\ net' = Received(net, l, i)
              /\ UNCHANGED <<phase, leader, learners, needs, retired>>

HandleCommitAndActivate(i, l) ==
    LET m == Head(net[l][i])
    IN  /\ FromLeader(i, l)
        /\ HeadIs(l, i, {"COMMITANDACTIVATE"})
        /\ NextCommitted(i, m.zxid)
        /\ Activated(i, l, After(config[i], <<log[i][delivered[i] + 1]>>), m.designated)
        /\ UNCHANGED <<acceptedEpoch, currentEpoch, log, lastSeen>>

\* An observer is told of an entry once it is committed.
HandleInform(i, l) ==
    LET m == Head(net[l][i])
    IN  /\ FromLeader(i, l)
        /\ HeadIs(l, i, {"INFORM", "INFORMANDACTIVATE"})
        /\ log' = [log EXCEPT ![i] = Append(@, m.entry)]
        /\ lastSeen' = [lastSeen EXCEPT ![i] = After(@, <<m.entry>>)]
        /\ Activated(i, l, After(config[i], <<m.entry>>), IF IsReconfig(m.entry) THEN m.designated ELSE l)
        /\ UNCHANGED <<acceptedEpoch, currentEpoch>>

-----------------------------------------------------------------------------
(* Leaders and learners that leave                                         *)

\* The end of i's connection with j is read.
NoticeClose(i, j) ==
    /\ HeadIs(j, i, {"EOF"})
    /\ IF Leading(i)
         THEN /\ learners' = [learners EXCEPT ![i][j] = NoLearner]
              /\ net' = Received(net, j, i)
              /\ UNCHANGED <<phase, leader, delivered, needs, retired>>
         ELSE FromLeader(i, j) /\ Left(i) /\ net' = Closed(net, i)
    /\ UNCHANGED diskVars

\* Learners of any stage count here. The configuration that is not committed counts too, or a leader whose reconfig
\* lacks its new quorum would stay for ever (ZOOKEEPER-1699).
QuorumMissing(l) ==
    ~QuorumOfAll({l} \cup {j \in Server : learners[l][j].stage # "none"},
                 IF "ZOOKEEPER-1699" \in Bugs THEN {config[l]} ELSE Deciding(config[l], lastSeen[l]))

LeaderTimeout(l) ==
    /\ Leading(l)
    /\ QuorumMissing(l)
    /\ Left(l)
    /\ net' = Closed(net, l)
    /\ UNCHANGED diskVars

Retired(l) == retired[l]

\* A leader that may not commit any more gives up; what it has sent still arrives. ZooKeeper's waits until its followers
\* have left; one that was established with a configuration in which it does not vote waits in vain (ZOOKEEPER-3829).
StepDown(l) ==
    /\ Leading(l)
    /\ Retired(l)
    /\ "ZOOKEEPER-3829" \notin Bugs
    /\ Left(l)
    /\ net' = Closed(net, l)
    /\ UNCHANGED diskVars

-----------------------------------------------------------------------------
(* Environment                                                             *)

Crash(i) ==
    /\ phase[i] # "DOWN"
    /\ phase' = [phase EXCEPT ![i] = "DOWN"]
    /\ leader' = [leader EXCEPT ![i] = None]
    /\ delivered' = [delivered EXCEPT ![i] = 0]
    /\ learners' = [learners EXCEPT ![i] = NoLearners]
    /\ needs' = [needs EXCEPT ![i] = <<>>]
    /\ retired' = [retired EXCEPT ![i] = FALSE]
    /\ net' = Closed(net, i)
    /\ UNCHANGED diskVars

Down(i) == phase[i] = "DOWN"

Restart(i) ==
    /\ Down(i)
    /\ phase' = [phase EXCEPT ![i] = "LOOKING"]
    /\ UNCHANGED <<diskVars, leader, delivered, learners, needs, retired, net>>

\* The connection of learner i to leader l breaks: what is on its way still arrives, at either end.
Break(i, l) ==
    /\ FromLeader(i, l)
    /\ learners[l][i].stage # "none" /\ ~HasEof(net[i][l]) /\ ~HasEof(net[l][i])
    /\ net' = [net EXCEPT ![i][l] = Append(@, Eof), ![l][i] = Append(@, Eof)]
    /\ UNCHANGED <<diskVars, roleVars>>

-----------------------------------------------------------------------------

Init ==
    /\ phase = [i \in Server |-> "LOOKING"]
    /\ leader = [i \in Server |-> None]
    /\ acceptedEpoch = [i \in Server |-> 0]
    /\ currentEpoch = [i \in Server |-> 0]
    /\ log = [i \in Server |-> <<>>]
    /\ config = [i \in Server |-> InitConfig]
    /\ lastSeen = config
    /\ delivered = [i \in Server |-> 0]
    /\ learners = [i \in Server |-> NoLearners]
    /\ needs = [i \in Server |-> <<>>]
    /\ retired = [i \in Server |-> FALSE]
    /\ net = [i \in Server |-> [j \in Server |-> <<>>]]

Next ==
    \/ \E l \in Server, q \in 1..(2^Max(Server) - 1) : Elect(l, q)
    \/ \E i, j \in Server :
          \/ Follow(i, j) \/ LearnConfig(i, j) \/ HandleInfo(i, j) \/ HandleNewLeader(i, j) \/ HandleUpToDate(i, j)
          \/ HandleProposal(i, j) \/ HandleAck(i, j) \/ HandleCommit(i, j) \/ HandleCommitAndActivate(i, j)
          \/ HandleInform(i, j) \/ NoticeClose(i, j) \/ Break(i, j)
    \/ \E i \in Server :
          \/ Propose(i) \/ LeaderTimeout(i) \/ StepDown(i) \/ Crash(i) \/ Restart(i)
          \/ \E n \in 1..Len(Requests) : ProposeReconfig(i, n)

Spec == Init /\ [][Next]_vars
=============================================================================
