-------------------------- MODULE ReplicationProof -------------------------
(***************************************************************************)
(* Replication refines Zab, and with it AtomicBroadcast. The mapping needs *)
(* what no server remembers: the promises as they were given, and what     *)
(* each epoch comprised. These history variables live here only.           *)
(***************************************************************************)
EXTENDS MCReplication

CONSTANTS Epochs   \* the epochs that the bounds allow

VARIABLES
    promised, \* as in Zab
    acks,     \* as in Zab
    primary   \* as in Zab

proofVars == <<mcVars, promised, acks, primary>>

\* A promise counts from when it is in the file: what goes with it is what the server will say of itself. A leader that
\* resigns may still have something on its way to the disk; of what it accepts it speaks when it has been elected anew.
Promising(i) ==
    /\ epochFile'[i][1] # promised[i]
    /\ log'[i] = log[i] /\ synced'[i] = synced[i] /\ synced[i] = Len(log[i])
    /\ epochFile'[i][1] # epochFile[i][1] \/ (phase[i] = "LOOKING" /\ phase'[i] \notin {"LOOKING", "DOWN"})

\* Of an epoch that has begun no promise is needed any more.
Remember ==
    /\ promised' = [i \in Server |-> IF Promising(i) THEN epochFile'[i][1] ELSE promised[i]]
    /\ primary' = [e \in Epochs |->
          LET leads == {l \in Server : Leading(l)' /\ newEpoch'[l] = e /\ epochFile'[l][2] = e}
          IN  IF leads = {} THEN primary[e]
              ELSE LET s == log'[CHOOSE l \in leads : TRUE]
                   IN  IF primary[e].init = -1 THEN [init |-> Len(s), log |-> s]
                       ELSE [primary[e] EXCEPT !.log = s]]
    /\ acks' = {a \in acks \cup {<<i, epochFile'[i][1], currentEpoch[i], LastZxid(i)>> :
                                    i \in {j \in Server : Promising(j)}} :
                   primary'[a[2]].init = -1}

ProofNext == MCNext /\ Remember
ProofInit ==
    /\ MCInit
    /\ promised = [i \in Server |-> epochFile[i][1]]
    /\ acks = {}
    /\ primary = [e \in Epochs |-> [init |-> -1, log |-> <<>>]]
ProofSpec == ProofInit /\ [][ProofNext]_proofVars

Z == INSTANCE Zab WITH
    Epoch <- Epochs,
    InitialHistory <- InitialLog,
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
