---------------------------- MODULE MCMembership ----------------------------
(***************************************************************************)
(* Membership with its bounds, named states to begin from, and what models *)
(* say of states. The bounds read no server, but for one: nobody is told   *)
(* to follow a leader that has handed over, as no voter would name it.     *)
(***************************************************************************)
EXTENDS Membership, TLC

CONSTANTS
    Txns, Reconfigs, Crashes, Cuts, Elections  \* how many of each may happen

VARIABLE budget   \* what is left of these, in this order

mcVars == <<vars, budget>>

Spend(k) == budget[k] > 0 /\ budget' = [budget EXCEPT ![k] = @ - 1]
Free == UNCHANGED budget
FullBudget == <<Txns, Reconfigs, Crashes, Cuts, Elections>>

-----------------------------------------------------------------------------
(* Where models begin                                                      *)

MCInit == Init /\ budget = FullBudget

\* The voter with the highest id leads epoch 1; everybody else has joined it. Nothing has been proposed.
Settled ==
    LET l == Max(InitVoters)
    IN  /\ phase = [i \in Server |-> "BROADCAST"]
        /\ leader = [i \in Server |-> l]
        /\ acceptedEpoch = [i \in Server |-> 1]
        /\ currentEpoch = [i \in Server |-> 1]
        /\ log = [i \in Server |-> <<>>]
        /\ config = [i \in Server |-> InitConfig]
        /\ lastSeen = config
        /\ delivered = [i \in Server |-> 0]
        /\ learners = [i \in Server |-> [j \in Server |->
              IF i = l /\ j # l THEN [stage |-> "synced", observer |-> Observes(j, InitConfig), zxid |-> ZeroZxid]
              ELSE NoLearner]]
        /\ needs = [i \in Server |-> <<>>]
        /\ retired = [i \in Server |-> FALSE]
        /\ net = [i \in Server |-> [j \in Server |-> <<>>]]
        /\ budget = FullBudget

\* The server of id 3 has had its reconfig committed and was cut off from 1 and 2 before it could tell them; then it
\* stopped. 1 has logged the reconfig, 2 has not, 4 knows that it is active. Reachable: NeverParted.
Parted ==
    LET z == <<1, 1>>
        r == Requests[1]
        c == NextConfig(InitConfig, r, z)
        s == <<[zxid |-> z, change |-> [voters |-> c.voters, observers |-> c.observers]]>>
    IN  /\ phase = [i \in Server |-> "LOOKING"]
        /\ leader = [i \in Server |-> None]
        /\ acceptedEpoch = [i \in Server |-> 1]
        /\ currentEpoch = [i \in Server |-> 1]
        /\ log = [i \in Server |-> IF i = 2 THEN <<>> ELSE s]
        /\ config = [i \in Server |-> IF i < 3 THEN InitConfig ELSE c]
        /\ lastSeen = [i \in Server |-> IF i = 2 THEN InitConfig ELSE c]
        /\ delivered = [i \in Server |-> 0]
        /\ learners = [i \in Server |-> NoLearners]
        /\ needs = [i \in Server |-> <<>>]
        /\ retired = [i \in Server |-> FALSE]
        /\ net = [i \in Server |-> [j \in Server |-> <<>>]]
        /\ budget = FullBudget

-----------------------------------------------------------------------------
(* Actions                                                                 *)

MCElect(l, q)               == Elect(l, q) /\ Spend(5)
MCFollow(i, l)              == Follow(i, l) /\ ~retired[l] /\ Free
MCLearnConfig(i, j)         == LearnConfig(i, j) /\ Free
MCHandleInfo(l, i)          == HandleInfo(l, i) /\ Free
MCHandleNewLeader(i, l)     == HandleNewLeader(i, l) /\ Free
MCHandleUpToDate(i, l)      == HandleUpToDate(i, l) /\ Free
MCPropose(l)                == Propose(l) /\ Spend(1)
MCProposeReconfig(l, n)     == ProposeReconfig(l, n) /\ Spend(2)
MCHandleProposal(i, l)      == HandleProposal(i, l) /\ Free
MCHandleAck(l, i)           == HandleAck(l, i) /\ Free
MCHandleCommit(i, l)        == HandleCommit(i, l) /\ Free
MCHandleCommitAndActivate(i, l) == HandleCommitAndActivate(i, l) /\ Free
MCHandleInform(i, l)        == HandleInform(i, l) /\ Free
MCNoticeClose(i, j)         == NoticeClose(i, j) /\ Free
MCLeaderTimeout(l)          == LeaderTimeout(l) /\ Free
MCStepDown(l)               == StepDown(l) /\ Free
MCCrash(i)                  == Crash(i) /\ Spend(3)
MCRestart(i)                == Restart(i) /\ Free
MCBreak(i, l)               == Break(i, l) /\ Spend(4)

MCNext ==
    \/ \E l \in Server, q \in 1..(2^Max(Server) - 1) : MCElect(l, q)
    \/ \E i, j \in Server :
          \/ MCFollow(i, j) \/ MCLearnConfig(i, j) \/ MCHandleInfo(i, j) \/ MCHandleNewLeader(i, j)
          \/ MCHandleUpToDate(i, j) \/ MCHandleProposal(i, j) \/ MCHandleAck(i, j) \/ MCHandleCommit(i, j)
          \/ MCHandleCommitAndActivate(i, j) \/ MCHandleInform(i, j) \/ MCNoticeClose(i, j) \/ MCBreak(i, j)
    \/ \E i \in Server :
          \/ MCPropose(i) \/ MCLeaderTimeout(i) \/ MCStepDown(i) \/ MCCrash(i) \/ MCRestart(i)
          \/ \E n \in 1..Len(Requests) : MCProposeReconfig(i, n)

-----------------------------------------------------------------------------
(* Invariants                                                              *)

ConfigOK(c) ==
    c.voters # {} /\ c.voters \subseteq Server /\ c.observers \subseteq Server /\ c.voters \cap c.observers = {}

TypeOK ==
    /\ phase \in [Server -> {"DOWN", "LOOKING", "SYNCHRONIZATION", "BROADCAST"}]
    /\ leader \in [Server -> Server \cup {None}]
    /\ \A i \in Server :
          /\ currentEpoch[i] <= acceptedEpoch[i]
          /\ delivered[i] \in 0..Len(log[i])
          /\ ConfigOK(config[i]) /\ ConfigOK(lastSeen[i])
          /\ Len(needs[i]) = (IF Established(i) THEN Len(log[i]) - delivered[i] ELSE 0)
          /\ retired[i] => Established(i)

\* At most one established leader an epoch.
OneLeader == \A l, m \in Server : Established(l) /\ Established(m) /\ currentEpoch[l] = currentEpoch[m] => l = m

Serving(i) == phase[i] = "BROADCAST"
Applied(i) == Prefix(log[i], delivered[i])

\* What serving servers have applied is one sequence.
Agreement == \A i, j \in Server : Serving(i) /\ Serving(j) =>
    IsPrefix(Applied(i), Applied(j)) \/ IsPrefix(Applied(j), Applied(i))

Logged(z) == {j \in Server : \E n \in 1..Len(log[j]) : log[j][n].zxid = z}

\* What is active anywhere, a quorum of its own voters has logged.
ActiveIsLogged == \A i \in Server : config[i].version # ZeroZxid => IsQuorum(Logged(config[i].version), config[i])

\* No server's last seen configuration is older than its active one.
SeenInOrder == \A i \in Server : ~Below(lastSeen[i].version, config[i].version)

\* A version names one configuration.
VersionsAreUnique == \A i, j \in Server :
    /\ config[i].version = config[j].version => config[i] = config[j]
    /\ config[i].version = lastSeen[j].version => config[i] = lastSeen[j]

\* By what is on the disks now, the servers of Q could make l the leader.
CouldElect(l, Q) == BestOfElectors(l, Q) /\ QuorumOfAll(Q, Deciding(config[l], lastSeen[l]))
NotAbove(l) == {j \in Server : UpTo(j, l)}
Able == {l \in Server : Voting(l) /\ CouldElect(l, NotAbove(l))}

\* Any two sets of servers that could elect a leader have a server in common, whatever configurations they go by.
ConfigsOverlap ==
    \A l, m \in Able : l < m =>
        \A Q \in SUBSET NotAbove(l) : CouldElect(l, Q) => ~CouldElect(m, NotAbove(m) \ Q)

\* A serving server goes by the configuration that it has applied last, or by a newer one that it was told of.
AppliedIsActive == \A i \in Server :
    Serving(i) => ~Below(config[i].version, After(InitConfig, Applied(i)).version)

\* Within its life a server only ever goes on to a newer configuration.
ActivationInOrder == [][\A i \in Server : config'[i] = config[i] \/ Below(config[i].version, config'[i].version)]_mcVars

-----------------------------------------------------------------------------
(* What models that must fail say of states that can be reached            *)

Reconfigured(i) == config[i].version # ZeroZxid

NeverProposed == \A i \in Server : lastSeen[i] = InitConfig
NeverActive == \A i \in Server : ~Reconfigured(i)
NeverAllActive == \E i \in Server : ~Reconfigured(i)
NeverRetired == \A l \in Server : ~retired[l]
\* A leader that was no voter before.
NeverNewVoterLeads == \A l \in Server : Established(l) => l \in InitVoters
\* A reconfig that its leader left behind is carried on by the next one.
NeverCarriedOn == \A l \in Server : Established(l) => config[l].version[1] \in {0, currentEpoch[l]}
\* Or it is cut off: nobody knows of it, though its leader was asked.
NeverCutOff == ~
    /\ budget[2] < Reconfigs
    /\ \A i \in Server : lastSeen[i] = InitConfig
\* Two leaders have each proposed a reconfig, and neither knows of the other's.
NeverCompeting == \A l, m \in Server :
    Leading(l) /\ Leading(m) /\ lastSeen[l] # config[l] /\ lastSeen[m] # config[m] => lastSeen[l] = lastSeen[m]
\* An entry waits behind a reconfig that is not committed.
NeverBehind == \A l \in Server : Len(needs[l]) < 2
\* A former observer follows and acknowledges.
NeverPromoted == \A l, i \in Server : learners[l][i].stage = "synced" /\ i \in InitObservers => learners[l][i].observer
\* The state Parted, but for budgets.
NeverParted == ~
    /\ \A i \in Server : Looking(i) /\ currentEpoch[i] = 1 /\ acceptedEpoch[i] = 1
    /\ \A i, j \in Server : net[i][j] = <<>>
    /\ \A i \in Server : Len(log[i]) = (IF i = 2 THEN 0 ELSE 1) /\ Reconfigured(i) = (i >= 3)
\* A server learns that it is no voter any more while it looks for a leader.
NeverLearns == \A i \in Server : Looking(i) /\ Reconfigured(i) =>
    \E n \in 1..Len(log[i]) : log[i][n].zxid = config[i].version

-----------------------------------------------------------------------------
(* Liveness                                                                *)

\* Whoever follows l is connected to it: it gives up for want of a quorum only when nobody is on the way to it.
Patient(l) == \A i \in Server \ {l} : leader[i] = l => learners[l][i].stage # "none"
LiveNext == MCNext /\ \A l \in Server : Leading(l) /\ ~Patient(l) => leader'[l] = l \/ phase'[l] = "DOWN"

\* What makes a reconfig go on: everything but crashes, cuts and proposals.
FairRest ==
    /\ WF_mcVars(\E i, l \in Server : MCFollow(i, l))
    /\ WF_mcVars(\E i, l \in Server : MCHandleInfo(l, i) \/ MCHandleNewLeader(i, l) \/ MCHandleUpToDate(i, l))
    /\ WF_mcVars(\E i, l \in Server : MCHandleProposal(i, l) \/ MCHandleCommit(i, l) \/ MCHandleInform(i, l))
    /\ WF_mcVars(\E i, j \in Server : MCNoticeClose(i, j))
    /\ WF_mcVars(\E i \in Server : MCRestart(i))
    /\ WF_mcVars(\E l \in Server, q \in 1..(2^Max(Server) - 1) : MCElect(l, q))
FairAck == WF_mcVars(\E i, l \in Server : MCHandleAck(l, i))
FairActivate == WF_mcVars(\E i, l \in Server : MCHandleCommitAndActivate(i, l))
FairLeave == WF_mcVars(\E l \in Server : MCLeaderTimeout(l)) /\ WF_mcVars(\E l \in Server : MCStepDown(l))

Fair == FairRest /\ FairAck /\ FairActivate /\ FairLeave

\* A reconfig that was proposed ends: it is active at whoever has seen it, or has been cut off.
ReconfigEnds == \A i \in Server : lastSeen[i] # config[i] ~> lastSeen[i] = config[i]

\* A leader that may not commit does not stay.
RetiredLeaves == \A l \in Server : retired[l] ~> ~retired[l]

\* A leader without the quorums that it needs does not stay.
Forsaken(l) ==
    ~QuorumOfAll({l} \cup {i \in Server : learners[l][i].stage # "none"}, Deciding(config[l], lastSeen[l]))
LeaderHasQuorum == \A l \in Server : Leading(l) /\ Forsaken(l) ~> ~Leading(l) \/ ~Forsaken(l)
=============================================================================
