---------------------------- MODULE ServiceData ----------------------------
(***************************************************************************)
(* The data that Service and its contract's refinement speak of: znodes,   *)
(* transactions and what they do to the tree, and who hears of a change.   *)
(* Functions alone; nothing here happens by itself.                        *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
    Path,    \* the znodes that may be: numbers, in the order of their names
    Parent,  \* Parent[p]: the path above, 0 for the root, which is not modelled
    None     \* no znode, no connection, no session

\* Error codes, as ZooKeeper numbers them.
OK == 0
NoNode == -101
NoChildrenForEphemerals == -108
NodeExists == -110
NotEmpty == -111
SessionExpired == -112
SessionMoved == -118

WriteOp == {"create", "delete", "setData", "closeSession", "createSession"}

RECURSIVE Ascending(_)
Ascending(S) == IF S = {} THEN <<>>
                ELSE LET p == CHOOSE p \in S : \A q \in S : p <= q IN <<p>> \o Ascending(S \ {p})

RECURSIVE Flatten(_)
Flatten(ss) == IF ss = <<>> THEN <<>> ELSE Head(ss) \o Flatten(Tail(ss))

-----------------------------------------------------------------------------
(* Znodes                                                                  *)

\* What an answer shows: the Stat of a node, or the names of its children.
Sees(node, children) == [node |-> node, children |-> children]
Nothing == Sees(None, {})

NewNode(owner, zxid) ==
    [owner |-> owner, czxid |-> zxid, mzxid |-> zxid, pzxid |-> zxid, version |-> 0, cversion |-> 0]

Children(tree, p) == {q \in Path : Parent[q] = p /\ tree[q] # None}

\* The znode above when one below comes (created = 1) or goes (created = 0).
Raised(tree, p, zxid, created) ==
    IF Parent[p] = 0 THEN tree
    ELSE IF tree[Parent[p]] = None THEN tree
    ELSE [tree EXCEPT ![Parent[p]].cversion = @ + created, ![Parent[p]].pzxid = zxid]

Added(tree, p, owner, zxid) == Raised([tree EXCEPT ![p] = NewNode(owner, zxid)], p, zxid, 1)

Removed(tree, p, zxid) == Raised([tree EXCEPT ![p] = None], p, zxid, 0)

RECURSIVE RemovedAll(_, _, _)
RemovedAll(tree, ps, zxid) == IF ps = <<>> THEN tree ELSE RemovedAll(Removed(tree, Head(ps), zxid), Tail(ps), zxid)

Owns(tree, p, s) == IF tree[p] = None THEN FALSE ELSE tree[p].owner = s

-----------------------------------------------------------------------------
(* Writes: what is checked, and what a transaction does                    *)

Check(tree, r) ==
    LET parent == IF Parent[r.path] = 0 THEN NewNode(0, 0) ELSE tree[Parent[r.path]]
        node == tree[r.path]
    IN  CASE r.op = "create" /\ parent = None -> NoNode
          [] r.op = "create" /\ node # None -> NodeExists
          [] r.op = "create" -> IF parent.owner # 0 THEN NoChildrenForEphemerals ELSE OK
          [] r.op = "delete" /\ parent = None -> NoNode
          [] node = None -> NoNode
          [] r.op = "delete" -> IF Children(tree, r.path) # {} THEN NotEmpty ELSE OK
          [] r.op = "setData" -> OK

\* flag: ephemeral; value: the new version, or the error; paths: the ephemerals of a session that ends.
Txn(session, cxid, type, path, flag, value, paths) ==
    [session |-> session, cxid |-> cxid, type |-> type, path |-> path, flag |-> flag, value |-> value, paths |-> paths]

Changed(type, p) == [type |-> type, path |-> p]

\* d: tree, sessions and zxid of who applies t; the result says besides who may want to know, and what the author sees.
Applying(d, t) ==
    LET zxid == d.zxid + 1
        same == [tree |-> d.tree, sessions |-> d.sessions, zxid |-> zxid, changes |-> <<>>, sees |-> Nothing]
    IN  CASE t.type = "create" ->
               [same EXCEPT !.tree = Added(@, t.path, IF t.flag THEN t.session ELSE 0, zxid),
                            !.changes = <<Changed("created", t.path)>>]
          [] t.type = "delete" ->
               [same EXCEPT !.tree = Removed(@, t.path, zxid), !.changes = <<Changed("deleted", t.path)>>]
          [] t.type = "setData" ->
               LET tree == [d.tree EXCEPT ![t.path].version = t.value, ![t.path].mzxid = zxid]
               IN  [same EXCEPT !.tree = tree, !.changes = <<Changed("dataChanged", t.path)>>,
                                !.sees = Sees(tree[t.path], {})]
          [] t.type = "createSession" -> [same EXCEPT !.sessions = @ \cup {t.session}]
          [] t.type = "closeSession" ->
               LET ps == Ascending({p \in t.paths : d.tree[p] # None})
               IN  [same EXCEPT !.tree = RemovedAll(@, ps, zxid), !.sessions = @ \ {t.session},
                                !.changes = [n \in 1..Len(ps) |-> Changed("deleted", ps[n])]]
          [] OTHER -> same

-----------------------------------------------------------------------------
(* Watches: data[p] and child[p] are the modes of one connection on p      *)

RECURSIVE Above(_)
Above(p) == IF Parent[p] = 0 THEN {} ELSE {Parent[p]} \cup Above(Parent[p])

\* What a connection with these watches hears of one change, in order; each is said once.
Heard(w, c) ==
    LET p == c.path
        itself == w.data[p] # {} \/ \E q \in Above(p) : "recursive" \in w.data[q]
        gone == c.type = "deleted" /\ w.child[p] # {} /\ ~itself
        above == c.type # "dataChanged" /\ (IF Parent[p] = 0 THEN FALSE ELSE w.child[Parent[p]] # {})
    IN  (IF itself \/ gone THEN <<<<c.type, p>>>> ELSE <<>>)
        \o (IF above THEN <<<<"childrenChanged", Parent[p]>>>> ELSE <<>>)

\* One-shot watches on what has changed are used up.
Left(w, c) ==
    [data |-> [w.data EXCEPT ![c.path] = @ \ {"once"}],
     child |-> [p \in Path |->
        IF (p = c.path /\ c.type = "deleted") \/ (p = Parent[c.path] /\ c.type # "dataChanged")
          THEN w.child[p] \ {"once"} ELSE w.child[p]]]
=============================================================================
