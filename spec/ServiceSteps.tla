---------------------------- MODULE ServiceSteps ----------------------------
(***************************************************************************)
(* What the steps of Service are made of.  A step of a server is written   *)
(* as a function over a record of what it may change (Here), since one     *)
(* event can answer many requests.                                         *)
(***************************************************************************)
EXTENDS ServiceData

CONSTANTS
    Server,    \* ids of the servers
    Leader,    \* the one that leads
    Client,    \* ids of the clients
    Conn,      \* connections: each is used once
    ClientOf,  \* ClientOf[k]: whose connection k is
    Session,   \* the session ids that may be given out; server i gives 10 * i + 1, 10 * i + 2, ...
    Timeout,   \* of every session, in ticks
    Bugs       \* seeded faults and historic bugs, for models that must fail

ASSUME LeaderAssumption == Leader \in Server
ASSUME BugsAssumption ==
    Bugs \subseteq {"EventAfterData", "StaleReconnect", "NoZxidCheck", "ReadPassesWrite", "ExpiryLocal",
                    "EphemeralOutlives", "MovedSessionWrites", "SyncLocal", "KeepsAttached",
                    "ZOOKEEPER-710", "ZOOKEEPER-1208"}

VARIABLES
    server,    \* server[i]: what it has applied, and what it keeps for its clients
    conn,      \* conn[k]: the server's end of a connection, None before and after
    at,        \* at[k]: the server that connection k goes to; 0 before, -1 once that server has no end of it
    up,        \* up[k]: what the client has sent and the server has not read
    down,      \* down[k]: what the server has sent and the client has not read
    client,    \* client[c]: what client c knows
    toLeader,  \* toLeader[i]: packets from server i to the leader
    toServer,  \* toServer[i]: packets from the leader to server i
    leader,    \* the leader's own: how it times sessions, and which syncs wait
    log        \* the transactions that it has accepted

vars == <<server, conn, at, up, down, client, toLeader, toServer, leader, log>>

NoWatches == [data |-> [p \in Path |-> {}], child |-> [p \in Path |-> {}]]

Fresh == [phase |-> "connected", session |-> 0, queue |-> <<>>, results |-> {}, seq |-> 0, held |-> <<>>,
          watches |-> NoWatches]

End == [type |-> "end"]

-----------------------------------------------------------------------------
(* What one step of server i may change                                    *)

Here(i) ==
    [i |-> i, s |-> server[i], conn |-> conn, at |-> at, up |-> up, down |-> down, log |-> log,
     leader |-> leader, toLeader |-> toLeader, toServer |-> toServer, out |-> <<>>]

\* A client that has left reads nothing more.
Tell(w, k, m) ==
    IF client[ClientOf[k]].conn = k THEN [w EXCEPT !.down[k] = Append(@, m)] ELSE w

\* All watches of a connection end with it.  What was forwarded for it stays in its session's queue.
Forget(w, k) ==
    LET s == w.conn[k].session
        v == [w EXCEPT !.conn[k] = None, !.at[k] = -1, !.up[k] = <<>>]
    IN  IF s = 0 \/ "KeepsAttached" \in Bugs THEN v
        ELSE IF w.s.attached[s] = k THEN [v EXCEPT !.s.attached[s] = 0] ELSE v

Open(w, k) == IF k = 0 THEN FALSE ELSE w.conn[k] # None

Close(w, k) == Forget(Tell(w, k, End), k)

Reply(w, k, xid, err, sees) ==
    Tell(w, k, [type |-> "reply", xid |-> xid, zxid |-> w.s.zxid, err |-> err,
                sees |-> IF err = OK THEN sees ELSE Nothing])

Event(w, k, type, p, zxid) == Tell(w, k, [type |-> "event", event |-> type, path |-> p, zxid |-> zxid])

Touch(w, s) == [w EXCEPT !.s.touched = @ \cup {s}]

\* A transaction of the session answers the oldest that is waiting.
Forward(w, s, k, seq, xid, r) ==
    [w EXCEPT !.s.forwarded[s] = Append(@, [conn |-> k, seq |-> seq, cxid |-> xid, op |-> r.op]),
              !.out = Append(@, [type |-> "request", session |-> s, cxid |-> xid, request |-> r])]

-----------------------------------------------------------------------------
(* Reads: answered by what this server has applied                         *)

SetWatch(w, k, table, p, mode) ==
    IF table = "data" THEN [w EXCEPT !.conn[k].watches.data[p] = @ \cup {mode}]
                      ELSE [w EXCEPT !.conn[k].watches.child[p] = @ \cup {mode}]

Watched(w, k, r, table) == IF r.flag THEN SetWatch(w, k, table, r.path, "once") ELSE w

RECURSIVE Events(_, _, _)
Events(w, k, es) == IF es = <<>> THEN w ELSE Events(Event(w, k, es[1][1], es[1][2], -1), k, Tail(es))

\* What a client's watches of its last connection come to here: it is told what it missed, the others are set.
RestoreWatches(w, k, r) ==
    LET tree == w.s.tree
        Missed(z) == z > r.seen
        OfData(p) == IF tree[p] = None THEN <<<<"deleted", p>>>>
                     ELSE IF Missed(tree[p].mzxid) THEN <<<<"dataChanged", p>>>> ELSE <<>>
        OfExist(p) == IF tree[p] # None THEN <<<<"created", p>>>> ELSE <<>>
        OfChild(p) == IF tree[p] = None THEN <<<<"deleted", p>>>>
                      ELSE IF Missed(tree[p].pzxid) THEN <<<<"childrenChanged", p>>>> ELSE <<>>
        told == Flatten([n \in 1..Cardinality(r.data) |-> OfData(Ascending(r.data)[n])])
                \o Flatten([n \in 1..Cardinality(r.exist) |-> OfExist(Ascending(r.exist)[n])])
                \o Flatten([n \in 1..Cardinality(r.child) |-> OfChild(Ascending(r.child)[n])])
        old == w.conn[k].watches
        set == [data |-> [p \in Path |-> old.data[p]
                    \cup (IF (p \in r.data /\ OfData(p) = <<>>) \/ (p \in r.exist /\ OfExist(p) = <<>>)
                            THEN {"once"} ELSE {})
                    \cup (IF p \in r.persistent THEN {"persistent"} ELSE {})
                    \cup (IF p \in r.recursive THEN {"recursive"} ELSE {})],
                child |-> [p \in Path |-> old.child[p]
                    \cup (IF p \in r.child /\ OfChild(p) = <<>> THEN {"once"} ELSE {})
                    \cup (IF p \in r.persistent THEN {"persistent"} ELSE {})]]
    IN  [Events(w, k, told) EXCEPT !.conn[k].watches = set]

AnswerRead(w, k, xid, r) ==
    LET node == IF r.op \in {"exists", "getData", "getChildren"} THEN w.s.tree[r.path] ELSE None IN
    CASE r.op = "ping" -> Reply(w, k, -2, OK, Nothing)
      [] r.op = "setWatches" -> Reply(RestoreWatches(w, k, r), k, xid, OK, Nothing)
      [] r.op = "exists" ->
           Reply(Watched(w, k, r, "data"), k, xid, IF node = None THEN NoNode ELSE OK, Sees(node, {}))
      [] node = None -> Reply(w, k, xid, NoNode, Nothing)
      [] r.op = "getData" -> Reply(Watched(w, k, r, "data"), k, xid, OK, Sees(node, {}))
      [] r.op = "getChildren" ->
           Reply(Watched(w, k, r, "child"), k, xid, OK, Sees(None, Children(w.s.tree, r.path)))

-----------------------------------------------------------------------------
(* Requests of a connection: answered in their order                       *)

Waits(e) == "seq" \in DOMAIN e

RECURSIVE Flush(_, _)
Flush(w, k) ==
    IF w.conn[k].queue = <<>> THEN w
    ELSE LET e == Head(w.conn[k].queue)
             next == [w EXCEPT !.conn[k].queue = Tail(@)]
         IN  IF ~Waits(e) THEN Flush(AnswerRead(next, k, e.xid, e.read), k)
             ELSE LET found == {r \in w.conn[k].results : r.seq = e.seq} IN
                  IF found = {} THEN w
                  ELSE LET r == CHOOSE r \in found : TRUE
                           done == Reply([next EXCEPT !.conn[k].results = @ \ {r}], k, e.xid, r.err, r.sees)
                       IN  IF r.err = SessionMoved /\ "ZOOKEEPER-710" \notin Bugs THEN Close(w, k)
                           ELSE IF e.op = "closeSession" THEN Close(done, k)
                           ELSE Flush(done, k)

\* The client may have left meanwhile.
Complete(w, k, seq, err, sees) ==
    IF ~Open(w, k) THEN w
    ELSE Flush([w EXCEPT !.conn[k].results = @ \cup {[seq |-> seq, err |-> err, sees |-> sees]}], k)

\* Writes and syncs go out at once; a read waits for all before it, so that a client sees its own writes.
Take(w, k, xid, r) ==
    LET c == w.conn[k]
        queued == [w EXCEPT !.conn[k].queue = Append(@, [seq |-> c.seq, xid |-> xid, op |-> r.op]),
                            !.conn[k].seq = @ + 1,
                            !.conn[k].phase = IF r.op = "closeSession" THEN "closing" ELSE @]
    IN  IF r.op = "sync"
          THEN IF "SyncLocal" \in Bugs THEN Complete(queued, k, c.seq, OK, Nothing)
               ELSE [queued EXCEPT !.s.syncs = Append(@, [conn |-> k, seq |-> c.seq, path |-> r.path]),
                                   !.out = Append(@, [type |-> "sync"])]
        ELSE IF r.op \in WriteOp THEN Forward(queued, c.session, k, c.seq, xid, r)
        ELSE IF c.queue = <<>> \/ "ReadPassesWrite" \in Bugs THEN AnswerRead(w, k, xid, r)
        ELSE [w EXCEPT !.conn[k].queue = Append(@, [xid |-> xid, read |-> r])]

Request(w, k, xid, r) ==
    LET c == w.conn[k] IN
    CASE c.phase \in {"creating", "validating"} ->
           [w EXCEPT !.conn[k].held = Append(@, [xid |-> xid, request |-> r])]
      [] c.phase = "closing" -> w
      [] c.phase = "attached" -> Take(Touch(w, c.session), k, xid, r)

RECURSIVE Requests(_, _, _)
Requests(w, k, held) ==
    IF held = <<>> \/ ~Open(w, k) THEN w
    ELSE Requests(Request(w, k, held[1].xid, held[1].request), k, Tail(held))

-----------------------------------------------------------------------------
(* Connections and sessions                                                *)

Reject(w, k) == Close(Tell(w, k, [type |-> "rejected"]), k)

\* The session of a waiting connection is there, or not; what arrived meanwhile is taken now.
Establish(w, k, from, valid) ==
    IF ~Open(w, k) THEN w
    ELSE IF w.conn[k].phase # from THEN w
    ELSE IF ~valid THEN Reject(w, k)
    ELSE LET s == w.conn[k].session
             on == [w EXCEPT !.conn[k].phase = "attached", !.conn[k].held = <<>>]
         IN  Requests(Tell(Touch(on, s), k, [type |-> "connected", session |-> s]), k, w.conn[k].held)

Attach(w, k, s, phase) ==
    [w EXCEPT !.conn[k].phase = phase, !.conn[k].session = s, !.s.attached[s] = k]

\* A server does not serve a client that has seen more than it has: time would go back for it.
TakeConnect(w, k, s, seen) ==
    IF seen > w.s.zxid /\ Bugs \cap {"StaleReconnect", "NoZxidCheck"} = {} THEN Close(w, k)
    ELSE IF s = 0
      THEN LET new == w.s.next IN
           Forward(Attach([w EXCEPT !.s.next = @ + 1], k, new, "creating"), new, k, -1, 0, [op |-> "createSession"])
    ELSE IF "ExpiryLocal" \in Bugs /\ s \notin w.s.sessions THEN Reject(w, k)
    ELSE IF "StaleReconnect" \in Bugs THEN Establish(Attach(w, k, s, "validating"), k, "validating", TRUE)
    ELSE LET old == w.s.attached[s]
             free == IF Open(w, old) THEN Close(w, old) ELSE w
         IN  [Attach(free, k, s, "validating") EXCEPT !.out = Append(@, [type |-> "revalidate", session |-> s])]

-----------------------------------------------------------------------------
(* Applying: database, then watch events, then the answer to the author    *)

RECURSIVE Notify(_, _, _, _)
Notify(w, k, changes, zxid) ==
    IF changes = <<>> THEN w
    ELSE LET c == Head(changes)
             heard == Heard(w.conn[k].watches, c)
             Told[n \in 0..Len(heard)] == IF n = 0 THEN w ELSE Event(Told[n - 1], k, heard[n][1], heard[n][2], zxid)
         IN  Notify([Told[Len(heard)] EXCEPT !.conn[k].watches = Left(@, c)], k, Tail(changes), zxid)

RECURSIVE NotifyAll(_, _, _, _)
NotifyAll(w, ks, changes, zxid) ==
    IF ks = {} THEN w
    ELSE LET k == CHOOSE k \in ks : \A l \in ks : k <= l
         IN  NotifyAll(Notify(w, k, changes, zxid), ks \ {k}, changes, zxid)

\* Session and number alone would let another server's request of a client that starts anew pass for ours.
Answers(t, oldest) == oldest.cxid = t.cxid /\ (t.type = "error" \/ t.type = oldest.op)

AnswerAuthor(w, t, sees) ==
    LET queue == w.s.forwarded[t.session]
        err == IF t.type = "error" THEN t.value ELSE OK
    IN  IF t.session = 0 \/ queue = <<>> THEN w
        ELSE IF ~Answers(t, Head(queue)) THEN w
        ELSE LET f == Head(queue)
                 v == [w EXCEPT !.s.forwarded[t.session] = Tail(@)]
             IN  IF f.op = "createSession" THEN Establish(v, f.conn, "creating", err = OK)
                 ELSE Complete(v, f.conn, f.seq, err, sees)

\* A session that was closed by another hand than its connection's here: it expired, or was closed elsewhere.
EndSession(w, s) ==
    LET k == w.s.attached[s] IN
    IF ~Open(w, k) THEN w
    ELSE IF w.conn[k].phase = "validating" THEN w ELSE Close(w, k)

Apply(w, t) ==
    LET done == Applying(w.s, t)
        v == [w EXCEPT !.s.tree = done.tree, !.s.sessions = done.sessions, !.s.zxid = @ + 1]
        here == {k \in Conn : v.conn[k] # None /\ v.at[k] = v.i}
        answered == IF "EventAfterData" \in Bugs
                      THEN LET a == AnswerAuthor(v, t, done.sees)
                           IN  NotifyAll(a, {k \in here : a.conn[k] # None}, done.changes, v.s.zxid)
                      ELSE AnswerAuthor(NotifyAll(v, here, done.changes, v.s.zxid), t, done.sees)
    IN  IF t.type = "closeSession" THEN EndSession(answered, t.session) ELSE answered

AnswerSync(w) ==
    LET f == Head(w.s.syncs)
    IN  Complete([w EXCEPT !.s.syncs = Tail(@)], f.conn, f.seq, OK, Nothing)

-----------------------------------------------------------------------------
(* The leader                                                              *)

\* The tree as it will be once all that was accepted is applied: what checks look at.
RECURSIVE AppliedTo(_, _)
AppliedTo(d, ts) == IF ts = <<>> THEN d ELSE AppliedTo(Applying(d, Head(ts)), Tail(ts))

Ahead(w) == AppliedTo([tree |-> w.s.tree, sessions |-> w.s.sessions, zxid |-> w.s.zxid],
                      SubSeq(w.log, w.s.zxid + 1, Len(w.log))).tree

Live(track, s) == IF track[s] = None THEN FALSE ELSE ~track[s].closing

\* A session writes only through the server at which it lives; the first that asks after a change of leader is that.
SessionError(track, s, origin) ==
    IF track[s] = None THEN SessionExpired
    ELSE IF track[s].closing /\ "ZOOKEEPER-1208" \notin Bugs THEN SessionExpired
    ELSE IF track[s].owner \in {0, origin} \/ "MovedSessionWrites" \in Bugs THEN OK
    ELSE SessionMoved

Owned(track, s, origin) ==
    IF ~Live(track, s) THEN track
    ELSE IF track[s].owner # 0 THEN track ELSE [track EXCEPT ![s].owner = origin]

Tracked(origin) == [owner |-> origin, closing |-> FALSE, left |-> Timeout + 1]

\* With the transaction that begins it the session takes no more writes; all its ephemerals are named in it.
Closing(w, s, cxid) ==
    LET tree == IF "EphemeralOutlives" \in Bugs THEN w.s.tree ELSE Ahead(w)
        paths == {p \in Path : IF tree[p] = None THEN FALSE ELSE tree[p].owner = s}
        v == [w EXCEPT !.log = Append(@, Txn(s, cxid, "closeSession", 0, FALSE, 0, paths))]
    IN  IF w.leader.track[s] = None THEN v
        ELSE [v EXCEPT !.leader.track[s] = [owner |-> @.owner, closing |-> TRUE, left |-> 0]]

Accept(w, s, cxid, r, origin) ==
    CASE r.op = "createSession" ->
           [w EXCEPT !.log = Append(@, Txn(s, 0, "createSession", 0, FALSE, 0, {})),
                     !.leader.track[s] = Tracked(origin)]
      [] r.op = "closeSession" -> Closing(w, s, cxid)
      [] OTHER ->
           LET tree == Ahead(w)
               sessionErr == SessionError(w.leader.track, s, origin)
               err == IF sessionErr # OK THEN sessionErr ELSE Check(tree, r)
               version == IF r.op = "setData" /\ err = OK THEN tree[r.path].version + 1 ELSE 0
               txn == IF err = OK THEN Txn(s, cxid, r.op, r.path, r.flag, version, {})
                                  ELSE Txn(s, cxid, "error", 0, FALSE, err, {})
           IN  [w EXCEPT !.log = Append(@, txn), !.leader.track = Owned(@, s, origin)]

RECURSIVE Release(_)
Release(w) ==
    IF w.leader.waiting = <<>> THEN w
    ELSE LET next == Head(w.leader.waiting)
             v == [w EXCEPT !.leader.waiting = Tail(@)]
         IN  IF next.after > w.s.zxid THEN w
             ELSE IF next.origin = Leader THEN Release(AnswerSync(v))
             ELSE Release([v EXCEPT !.toServer[next.origin] = Append(@, [type |-> "sync"])])

\* A sync is answered once all that was accepted before it is committed; it takes no zxid.
Ask(w, origin) ==
    Release([w EXCEPT !.leader.waiting = Append(@, [origin |-> origin, after |-> Len(w.log)])])

Judge(w, s, origin) ==
    LET valid == Live(w.leader.track, s)
        v == IF valid THEN [w EXCEPT !.leader.track[s] = Tracked(origin)] ELSE w
    IN  IF origin = Leader THEN Establish(v, v.s.attached[s], "validating", valid)
        ELSE [v EXCEPT !.toServer[origin] = Append(@, [type |-> "revalidated", session |-> s, valid |-> valid])]

\* The leader's own clients ask it in the same step.
RECURSIVE Lead(_)
Lead(w) ==
    IF w.out = <<>> THEN w
    ELSE LET m == Head(w.out)
             v == [w EXCEPT !.out = Tail(@)]
         IN  Lead(CASE m.type = "request" -> Accept(v, m.session, m.cxid, m.request, Leader)
                    [] m.type = "sync" -> Ask(v, Leader)
                    [] m.type = "revalidate" -> Judge(v, m.session, Leader))

Become(i, w) ==
    LET v == IF i = Leader THEN Lead(w) ELSE [w EXCEPT !.toLeader[i] = @ \o w.out] IN
    /\ server' = [server EXCEPT ![i] = v.s]
    /\ conn' = v.conn /\ at' = v.at /\ up' = v.up /\ down' = v.down
    /\ toLeader' = v.toLeader /\ toServer' = v.toServer
    /\ log' = v.log /\ leader' = v.leader
    /\ UNCHANGED client
=============================================================================
