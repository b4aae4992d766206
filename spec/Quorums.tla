------------------------------- MODULE Quorums -------------------------------
(***************************************************************************)
(* Hierarchical quorums: servers stand in groups, and have weights.  A     *)
(* group is won by more than half of its weight, a quorum wins more than   *)
(* half of the groups that have any.  Models of other modules take these   *)
(* operators in place of majorities.                                       *)
(*                                                                         *)
(* Source:   QuorumHierarchical, FastLeaderElection.totalOrderPredicate in *)
(*           Apache ZooKeeper 3.9 (`group.N`, `weight.N`).                 *)
(* Mirror:   isQuorumWhere and isWeightless in core/membershipRules.ts.    *)
(***************************************************************************)
EXTENDS Integers, FiniteSets

CONSTANT Groups  \* a set of functions, each from the servers of a group to their weights

ASSUME GroupsAssumption ==
    /\ \A g \in Groups : \A i \in DOMAIN g : g[i] \in Nat
    /\ \A g, h \in Groups : g # h => DOMAIN g \cap DOMAIN h = {}

RECURSIVE Weight(_, _)
Weight(g, S) == IF S = {} THEN 0 ELSE LET i == CHOOSE i \in S : TRUE IN g[i] + Weight(g, S \ {i})

Sayers == {g \in Groups : Weight(g, DOMAIN g) > 0}
Won(S) == {g \in Sayers : 2 * Weight(g, S \cap DOMAIN g) > Weight(g, DOMAIN g)}

WeighedQuorum(S) == 2 * Cardinality(Won(S)) > Cardinality(Sayers)

\* Who weighs nothing may vote, to no effect, and cannot lead.
Weightless(i) == \A g \in Groups : IF i \in DOMAIN g THEN g[i] = 0 ELSE TRUE
=============================================================================
