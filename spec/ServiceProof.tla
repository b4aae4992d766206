---------------------------- MODULE ServiceProof ----------------------------
(***************************************************************************)
(* Service refines ClientContract.  The contract speaks of what a client   *)
(* was told last, of when it called, and of since when it holds a watch;   *)
(* history variables remember that.  Models of this module are not         *)
(* compared with the core.                                                 *)
(***************************************************************************)
EXTENDS MCService

VARIABLES
    order,  \* what is committed, as the contract sees it
    calls,  \* calls[c]: the calls that wait, with what was shown to anybody when they were made
    said,   \* said[c]: what client c was told last
    held    \* held[c]: its watches, with since when

proofVars == <<mcVars, order, calls, said, held>>

history == <<order, calls, said, held>>

Furthest == CHOOSE n \in {client[c].seen : c \in Client} : \A c \in Client : client[c].seen <= n

Kind(op) ==
    CASE op \in {"exists", "getData", "getChildren"} -> "read"
      [] op = "sync" -> "sync"
      [] op \in {"setWatches", "ping"} -> "other"
      [] OTHER -> "write"

Made(m) ==
    [xid |-> m.xid, op |-> m.request.op, kind |-> Kind(m.request.op),
     path |-> IF "path" \in DOMAIN m.request THEN m.request.path ELSE 0, floor |-> Furthest]

\* Of each kind and path a client holds one watch.
Hold(ws, kind, p, since) ==
    {w \in ws : ~(w.kind = kind /\ w.path = p)} \cup {[kind |-> kind, path |-> p, since |-> since]}

RECURSIVE HoldAll(_, _, _, _)
HoldAll(ws, kind, ps, since) ==
    IF ps = {} THEN ws
    ELSE LET p == CHOOSE p \in ps : TRUE IN HoldAll(Hold(ws, kind, p, since), kind, ps \ {p}, since)

HeldAfterReply(ws, r, m) ==
    CASE r.op = "setWatches" -> HoldAll(HoldAll(ws, "persistent", r.persistent, m.zxid), "recursive", r.recursive, m.zxid)
      [] r.op = "exists" /\ r.flag -> Hold(ws, IF m.err = OK THEN "data" ELSE "exist", r.path, m.zxid)
      [] r.op = "getData" /\ r.flag /\ m.err = OK -> Hold(ws, "data", r.path, m.zxid)
      [] r.op = "getChildren" /\ r.flag /\ m.err = OK -> Hold(ws, "child", r.path, m.zxid)
      [] OTHER -> ws

UsedUp(w, m) ==
    /\ w.path = m.path
    /\ CASE m.event = "deleted" -> w.kind \in {"data", "exist", "child"}
         [] m.event = "childrenChanged" -> w.kind = "child"
         [] OTHER -> w.kind \in {"data", "exist"}

Concerns(w, m) ==
    \/ w.kind = "persistent" /\ w.path = m.path
    \/ w.kind = "recursive" /\ m.event # "childrenChanged" /\ (w.path = m.path \/ w.path \in Above(m.path))

HeldAfterEvent(ws, m) ==
    {IF Concerns(w, m) /\ m.zxid > w.since THEN [w EXCEPT !.since = m.zxid] ELSE w : w \in {v \in ws : ~UsedUp(v, m)}}

\* What is committed by a transaction, as the contract sees it.
Written(t, tree) ==
    [session |-> t.session, number |-> t.cxid,
     kind |-> CASE t.type = "createSession" -> "begin" [] t.type = "closeSession" -> "end" [] OTHER -> "write",
     err |-> IF t.type = "error" THEN t.value ELSE OK,
     tree |-> tree]

RECURSIVE OrderFrom(_, _)
OrderFrom(d, ts) ==
    IF ts = <<>> THEN <<>>
    ELSE LET after == Applying(d, Head(ts)) IN <<Written(Head(ts), after.tree)>> \o OrderFrom(after, Tail(ts))

Remembered ==
    /\ order = OrderFrom([tree |-> [p \in Path |-> None], sessions |-> {}, zxid |-> 0], History)
    /\ calls = [c \in Client |-> <<>>]
    /\ said = [c \in Client |-> None]
    /\ held = [c \in Client |-> {}]

ProofMCInit == MCInit /\ Remembered
ProofAttached == Attached /\ Remembered

Unsaid == UNCHANGED history

ProofConnectReceived(i, k) == MCConnectReceived(i, k) /\ Unsaid
ProofRequestReceived(i, k) == MCRequestReceived(i, k) /\ Unsaid
ProofClientClosed(i, k) == MCClientClosed(i, k) /\ Unsaid
ProofApplied(i) ==
    /\ MCApplied(i)
    /\ order' = IF i = Leader THEN Append(order, Written(log[server[i].zxid + 1], server'[i].tree)) ELSE order
    /\ UNCHANGED <<calls, said, held>>
ProofSynced(i) == MCSynced(i) /\ Unsaid
ProofRevalidated(i) == MCRevalidated(i) /\ Unsaid
ProofTakeTouched(i) == MCTakeTouched(i) /\ Unsaid
ProofPrepare(j) == MCPrepare(j) /\ Unsaid
ProofAskSync(j) == MCAskSync(j) /\ Unsaid
ProofRevalidate(j) == MCRevalidate(j) /\ Unsaid
ProofTouchSessions(j) == MCTouchSessions(j) /\ Unsaid
ProofExpireSessions(i) == MCExpireSessions(i) /\ Unsaid

ProofConnect(k, i) ==
    LET c == ClientOf[k] IN
    /\ MCConnect(k, i)
    /\ calls' = [calls EXCEPT ![c] = [n \in 1..Len(client'[c].waits) |-> Made(client'[c].waits[n])]]
    /\ UNCHANGED <<order, said, held>>

ProofSend(c) ==
    /\ MCSend(c)
    /\ calls' = [calls EXCEPT ![c] = Append(@, Made(client'[c].waits[Len(client'[c].waits)]))]
    /\ UNCHANGED <<order, said, held>>

ProofReceive(c) ==
    /\ MCReceive(c)
    /\ LET m == Head(down[client[c].conn])
           waits == client[c].waits
           n == CHOOSE n \in 1..Len(waits) : waits[n].xid = m.xid /\ \A l \in 1..n - 1 : waits[l].xid # m.xid
       IN  CASE m.type = "reply" ->
                  /\ calls' = [calls EXCEPT ![c] = Without(@, n)]
                  /\ said' = [said EXCEPT ![c] = m]
                  /\ held' = [held EXCEPT ![c] = HeldAfterReply(@, waits[n].request, m)]
                  /\ UNCHANGED order
             [] m.type = "event" ->
                  /\ said' = [said EXCEPT ![c] = m]
                  /\ held' = [held EXCEPT ![c] = HeldAfterEvent(@, m)]
                  /\ UNCHANGED <<order, calls>>
             [] m.type = "end" -> calls' = [calls EXCEPT ![c] = <<>>] /\ UNCHANGED <<order, said, held>>
             [] OTHER -> Unsaid

ProofCut(k, n) ==
    /\ MCCut(k, n)
    /\ calls' = [calls EXCEPT ![ClientOf[k]] = <<>>]
    /\ UNCHANGED <<order, said, held>>

-----------------------------------------------------------------------------

ShowsOf(op, p, tree) ==
    IF op = "getChildren" THEN Sees(None, Children(tree, p)) ELSE Sees(tree[p], {})

LooksOf(kind, p, tree) ==
    LET node(q) == IF tree[q] = None THEN 0 ELSE tree[q].mzxid
        below == {q \in Path : q = p \/ p \in Above(q)}
    IN  CASE kind \in {"data", "exist"} -> <<node(p)>>
          [] kind = "child" -> IF tree[p] = None THEN <<0>> ELSE <<tree[p].pzxid>>
          [] kind = "persistent" -> IF tree[p] = None THEN <<0, 0>> ELSE <<node(p), tree[p].pzxid>>
          [] kind = "recursive" -> [q \in below |-> node(q)]

Contract == INSTANCE ClientContract
    WITH doomed <- {log[n].session : n \in {m \in 1..Len(log) : log[m].type = "closeSession"}},
         session <- [c \in Client |-> client[c].session], over <- [c \in Client |-> client[c].over],
         next <- [c \in Client |-> client[c].xid], seen <- [c \in Client |-> client[c].seen],
         Moved <- SessionMoved, Shows <- ShowsOf, Looks <- LooksOf

Refines == Contract!Spec

\* The fifth promise as states see it.
NothingUntold == \A c \in Client : Contract!Told(c)
=============================================================================
