--------------------------- MODULE MembershipProof --------------------------
(***************************************************************************)
(* Membership refines AtomicBroadcast. What was ever broadcast, what is    *)
(* committed and who was ever established, no server remembers: history    *)
(* variables do. Models of this module are not compared with the core.     *)
(***************************************************************************)
EXTENDS MCMembership

VARIABLES
    broadcast,   \* zxids that some leader has proposed
    order,       \* entries: the longest sequence that any server has applied while it served
    established  \* <<epoch, leader>> of all that ever were

proofVars == <<mcVars, broadcast, order, established>>

\* What a server serves that was not served before is committed by that; if it does not go on from what was, order breaks.
Remember ==
    LET serving == {i \in Server : phase'[i] = "BROADCAST"}
        served(i) == Prefix(log'[i], delivered'[i])
        news == {i \in serving : ~IsPrefix(served(i), order)}
    IN  /\ order' = IF news = {} THEN order
                    ELSE served(CHOOSE i \in news : \A j \in news : delivered'[j] <= delivered'[i])
        /\ established' = established \cup {<<currentEpoch'[l], l>> : l \in {m \in serving : leader'[m] = m}}
        /\ broadcast' = broadcast \cup UNION {{log'[i][n].zxid : n \in 1..Len(log'[i])} :
              i \in {l \in serving : leader'[l] = l}}

ProofNext == MCNext /\ Remember

\* One by one, for models that leave most out.
ProofElect(l, q) == MCElect(l, q) /\ Remember
ProofFollow(i, l) == MCFollow(i, l) /\ Remember
ProofLearnConfig(i, j) == MCLearnConfig(i, j) /\ Remember
ProofHandleInfo(l, i) == MCHandleInfo(l, i) /\ Remember
ProofHandleNewLeader(i, l) == MCHandleNewLeader(i, l) /\ Remember
ProofHandleUpToDate(i, l) == MCHandleUpToDate(i, l) /\ Remember
ProofPropose(l) == MCPropose(l) /\ Remember
ProofProposeReconfig(l, n) == MCProposeReconfig(l, n) /\ Remember
ProofHandleProposal(i, l) == MCHandleProposal(i, l) /\ Remember
ProofHandleAck(l, i) == MCHandleAck(l, i) /\ Remember
ProofNoticeClose(i, j) == MCNoticeClose(i, j) /\ Remember
ProofLeaderTimeout(l) == MCLeaderTimeout(l) /\ Remember
ProofCrash(i) == MCCrash(i) /\ Remember
ProofRestart(i) == MCRestart(i) /\ Remember
ProofBreak(i, l) == MCBreak(i, l) /\ Remember

Remembered == broadcast = {} /\ order = <<>>
ProofInit == MCInit /\ Remembered /\ established = {}
ProofSettled == Settled /\ Remembered /\ established = {<<1, Max(InitVoters)>>}
\* Parted: the reconfig is committed.
ProofParted == Parted /\ broadcast = {<<1, 1>>} /\ order = log[3] /\ established = {<<1, 3>>}

AB == INSTANCE AtomicBroadcast WITH
    order <- [n \in 1..Len(order) |-> order[n].zxid],
    seen <- [i \in Server |-> IF Serving(i) THEN delivered[i] ELSE 0]

RefinesAtomicBroadcast == AB!Spec

-----------------------------------------------------------------------------

\* No two servers were ever established in one epoch.
OneLeaderEver == \A a, b \in established : a[1] = b[1] => a = b

Holders(n) == {i \in Server : IsPrefix(Prefix(order, n), log[i])}
ActiveAfter(n) == After(InitConfig, Prefix(order, n))

\* All that is committed is on the disks of a quorum of the configuration that it ends with.
Durability == IsQuorum(Holders(Len(order)), ActiveAfter(Len(order)))

\* A committed reconfig is on the disks of a quorum of its own configuration and of one of the configuration before it.
CommittedByBoth == \A n \in 1..Len(order) : IsReconfig(order[n]) =>
    IsQuorum(Holders(n), ActiveAfter(n - 1)) /\ IsQuorum(Holders(n), ActiveAfter(n))

\* What is active anywhere is committed.
ActiveIsCommitted == \A i \in Server :
    config[i].version = ZeroZxid \/ \E n \in 1..Len(order) : order[n].zxid = config[i].version
=============================================================================
