------------------------ MODULE MCReplicationWeighed -------------------------
(***************************************************************************)
(* MCReplication with the quorums of Quorums in place of majorities: a     *)
(* model sets IsQuorum to WeighedQuorum.                                   *)
(***************************************************************************)
EXTENDS MCReplication, Quorums, TLC
=============================================================================
