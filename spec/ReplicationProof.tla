-------------------------- MODULE ReplicationProof -------------------------
(***************************************************************************)
(* Replication refines Zab, and with it AtomicBroadcast. The mapping needs *)
(* what no server remembers: the promises as they were given, and what     *)
(* each epoch comprised. These history variables live here only.           *)
(***************************************************************************)
EXTENDS MCReplication

CONSTANTS Epochs   \* the epochs that the bounds allow

VARIABLES
    acks,     \* as in Zab
    primary   \* as in Zab

proofVars == <<mcVars, acks, primary>>

\* A promise counts from when it is in the file; what goes with it is what the server will say of itself.
Remember ==
    /\ acks' = acks \cup {<<i, epochFile'[i][1], currentEpoch[i], LastZxid(i)>> :
                             i \in {j \in Server : epochFile'[j][1] # epochFile[j][1]}}
    /\ primary' = [e \in Epochs |->
          LET leads == {l \in Server : Leading(l)' /\ newEpoch'[l] = e /\ epochFile'[l][2] = e}
          IN  IF leads = {} THEN primary[e]
              ELSE LET s == log'[CHOOSE l \in leads : TRUE]
                   IN  IF primary[e].init = -1 THEN [init |-> Len(s), log |-> s]
                       ELSE [primary[e] EXCEPT !.log = s]]

ProofNext == MCNext /\ Remember
ProofInit == MCInit /\ acks = {} /\ primary = [e \in Epochs |-> [init |-> -1, log |-> <<>>]]
ProofSpec == ProofInit /\ [][ProofNext]_proofVars

Z == INSTANCE Zab WITH
    Epoch <- Epochs,
    InitialHistory <- InitialLog,
    promised <- [i \in Server |-> epochFile[i][1]],
    epoch <- [i \in Server |-> epochFile[i][2]],
    history <- [i \in Server |-> Prefix(log[i], synced[i])],
    seen <- [i \in Server |-> IF Serving(i) THEN Len(delivered[i]) ELSE 0]

A == INSTANCE AtomicBroadcast WITH
    broadcast <- {InitialLog[n] : n \in 1..Len(InitialLog)} \cup
                 UNION {{primary[e].log[n] : n \in 1..Len(primary[e].log)} : e \in Epochs},
    seen <- [i \in Server |-> IF Serving(i) THEN Len(delivered[i]) ELSE 0]

RefinesZab == Z!Spec
RefinesAtomicBroadcast == A!Spec
=============================================================================
