-------------------------- MODULE MCElectionWeighed --------------------------
(***************************************************************************)
(* MCElection with the quorums of Quorums in place of majorities: a model  *)
(* sets IsQuorum to WeighedQuorum, and Better to WeighedBetter.            *)
(***************************************************************************)
EXTENDS MCElection, Quorums

\* As Better, which it stands for; a vote for one who weighs nothing is better than no other.
WeighedBetter(v, w) ==
    /\ ~Weightless(v.leader)
    /\ IF v.epoch # w.epoch THEN v.epoch > w.epoch
       ELSE IF v.zxid[1] # w.zxid[1] THEN v.zxid[1] > w.zxid[1]
       ELSE IF v.zxid[2] # w.zxid[2] THEN v.zxid[2] > w.zxid[2]
       ELSE v.leader > w.leader
=============================================================================
