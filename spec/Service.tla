------------------------------ MODULE Service ------------------------------
(***************************************************************************)
(* What clients see of the replicated log: sessions, requests, watches.    *)
(* One server leads: it checks writes against all that was accepted        *)
(* before, makes them transactions, and times the sessions.  Every server  *)
(* applies what is committed, in the one order, and answers its clients.   *)
(* That the leader applies the next transaction stands for its commit; how *)
(* it comes about, and how leaders change, is Replication's affair.        *)
(*                                                                         *)
(* Source:   PrepRequestProcessor, CommitProcessor, FinalRequestProcessor, *)
(*           DataTree, WatchManager, SessionTracker of ZooKeeper 3.9.      *)
(* Refines:  ClientContract (checked in ServiceProof).                     *)
(* Mirror:   core/service, one exported function for each action of a      *)
(*           server; Connect, Send, Receive and Cut are the clients' and   *)
(*           the network's (conformance/world/clients.ts).                 *)
(***************************************************************************)
EXTENDS ServiceSteps

-----------------------------------------------------------------------------
(* Actions of a server towards its clients                                 *)

HasSent(k, type) == IF up[k] = <<>> THEN FALSE ELSE Head(up[k]).type = type

Read(i, k) == [Here(i) EXCEPT !.up[k] = Tail(@)]

\* Server i reads who is at the other end of connection k, and whether it may be served.
ConnectReceived(i, k) ==
    /\ at[k] = i /\ HasSent(k, "connect")
    /\ Become(i, TakeConnect(Read(i, k), k, Head(up[k]).session, Head(up[k]).seen))

RequestReceived(i, k) ==
    /\ at[k] = i /\ HasSent(k, "request")
    /\ Become(i, Request(Read(i, k), k, Head(up[k]).xid, Head(up[k]).request))

\* Server i notices that the client has left.
ClientClosed(i, k) ==
    /\ at[k] = i /\ HasSent(k, "end")
    /\ Become(i, Forget(Here(i), k))

LeaderSaid(i, type) == IF toServer[i] = <<>> THEN FALSE ELSE Head(toServer[i]).type = type

Heeded(i) == [Here(i) EXCEPT !.toServer[i] = Tail(@)]

\* The leader commits by applying: the others are told, and it forgets a session that is closed.
Commit(w, t) ==
    LET told == [w EXCEPT !.toServer = [j \in Server |-> IF j = Leader THEN @[j] ELSE Append(@[j], [type |-> "commit"])]]
        led == Lead(told)
        isOver == t.type = "closeSession" /\ led.leader.track[t.session] # None /\ ~Live(led.leader.track, t.session)
    IN  Release(IF isOver THEN [led EXCEPT !.leader.track[t.session] = None] ELSE led)

\* Server i applies the next committed transaction; at the leader that is the commit itself.
Applied(i) ==
    /\ IF i = Leader THEN server[i].zxid < Len(log) ELSE LeaderSaid(i, "commit")
    /\ LET t == log[server[i].zxid + 1]
       IN  Become(i, IF i = Leader THEN Commit(Apply(Here(i), t), t) ELSE Apply(Heeded(i), t))

\* The leader has answered the oldest sync of server i; all that it committed before came first.
Synced(i) == LeaderSaid(i, "sync") /\ Become(i, AnswerSync(Heeded(i)))

\* The leader has said whether a session lives that a client wants to go on with here.
Revalidated(i) ==
    /\ LeaderSaid(i, "revalidated")
    /\ LET m == Head(toServer[i])
       IN  Become(i, Establish(Heeded(i), server[i].attached[m.session], "validating", m.valid))

\* Server i tells the leader, with its answer to a PING, of which sessions it has heard.
TakeTouched(i) ==
    /\ i # Leader
    /\ server[i].touched # {}
    /\ Become(i, [Here(i) EXCEPT !.s.touched = {},
                                 !.out = <<[type |-> "touched", sessions |-> server[i].touched]>>])

-----------------------------------------------------------------------------
(* Actions of the leader towards the other servers                         *)

ServerSaid(j, type) == IF toLeader[j] = <<>> THEN FALSE ELSE Head(toLeader[j]).type = type

Taken(j) == [Here(Leader) EXCEPT !.toLeader[j] = Tail(@)]

\* The leader makes a write of a client of server j a transaction.
Prepare(j) ==
    /\ ServerSaid(j, "request")
    /\ LET m == Head(toLeader[j]) IN Become(Leader, Accept(Taken(j), m.session, m.cxid, m.request, j))

AskSync(j) == ServerSaid(j, "sync") /\ Become(Leader, Ask(Taken(j), j))

\* A client wants to go on at server j: if its session lives, it lives there from now on.
Revalidate(j) == ServerSaid(j, "revalidate") /\ Become(Leader, Judge(Taken(j), Head(toLeader[j]).session, j))

TouchAll(track, S) ==
    [s \in Session |-> IF s \in S /\ Live(track, s) THEN [track[s] EXCEPT !.left = Timeout + 1] ELSE track[s]]

TouchSessions(j) ==
    /\ ServerSaid(j, "touched")
    /\ Become(Leader, [Taken(j) EXCEPT !.leader.track = TouchAll(@, Head(toLeader[j]).sessions)])

RECURSIVE CloseAll(_, _)
CloseAll(w, S) ==
    IF S = {} THEN w
    ELSE LET s == CHOOSE s \in S : \A r \in S : s <= r IN CloseAll(Closing(w, s, 0), S \ {s})

\* One tick: sessions of which nothing was heard in time are closed, by transactions like any other.
ExpireSessions(i) ==
    i = Leader /\
    LET track == [s \in Session |-> IF Live(leader.track, s) THEN [leader.track[s] EXCEPT !.left = @ - 1]
                                    ELSE leader.track[s]]
        heard == TouchAll(track, server[Leader].touched)
        due == {s \in Session : IF Live(heard, s) THEN heard[s].left = 0 ELSE FALSE}
    IN  Become(Leader, CloseAll([Here(Leader) EXCEPT !.s.touched = {}, !.leader.track = heard], due))

-----------------------------------------------------------------------------
(* The clients and the network                                             *)

Stranger == [conn |-> 0, ready |-> FALSE, session |-> 0, over |-> FALSE, seen |-> 0, xid |-> 1, waits |-> <<>>,
             data |-> {}, exist |-> {}, child |-> {}, persistent |-> {}, recursive |-> {}]

Restored(c) == [op |-> "setWatches", seen |-> c.seen, data |-> c.data, exist |-> c.exist, child |-> c.child,
                persistent |-> c.persistent, recursive |-> c.recursive]

Watching(c) == c.data \cup c.exist \cup c.child \cup c.persistent \cup c.recursive # {}

\* A client opens a connection, says which session it wants and up to where it has seen, and sets its watches again.
Connect(k, i) ==
    LET c == client[ClientOf[k]]
        again == Watching(c) /\ c.session # 0
    IN
    /\ at[k] = 0
    /\ \A l \in Conn : l < k /\ ClientOf[l] = ClientOf[k] => at[l] # 0
    /\ c.conn = 0 /\ ~c.over
    /\ at' = [at EXCEPT ![k] = i]
    /\ conn' = [conn EXCEPT ![k] = Fresh]
    /\ up' = [up EXCEPT ![k] = <<[type |-> "connect", session |-> c.session, seen |-> c.seen]>>
                 \o (IF again THEN <<[type |-> "request", xid |-> -8, request |-> Restored(c)]>> ELSE <<>>)]
    /\ client' = [client EXCEPT ![ClientOf[k]].conn = k,
                    ![ClientOf[k]].waits = IF again THEN <<[xid |-> -8, request |-> Restored(c)]>> ELSE <<>>]
    /\ UNCHANGED <<server, down, toLeader, toServer, leader, log>>

\* A persistent watch is set by the same packet as those of an older connection.
Sent(c, r) == IF r.op # "watch" THEN r
              ELSE [op |-> "setWatches", seen |-> c.seen, data |-> {}, exist |-> {}, child |-> {},
                    persistent |-> IF r.flag THEN {} ELSE {r.path}, recursive |-> IF r.flag THEN {r.path} ELSE {}]

\* Nothing is sent behind a closeSession.
Send(c, r) ==
    LET me == client[c]
        xid == CASE r.op = "ping" -> -2 [] r.op = "watch" -> -8 [] OTHER -> me.xid
    IN
    /\ me.conn # 0 /\ ~me.over
    /\ \A n \in 1..Len(me.waits) : me.waits[n].request.op # "closeSession"
    /\ client' = [client EXCEPT ![c].waits = Append(@, [xid |-> xid, request |-> Sent(me, r)]),
                                ![c].xid = IF xid > 0 THEN @ + 1 ELSE @]
    /\ up' = IF at[me.conn] > 0
               THEN [up EXCEPT ![me.conn] = Append(@, [type |-> "request", xid |-> xid, request |-> Sent(me, r)])]
               ELSE up
    /\ UNCHANGED <<server, conn, at, down, toLeader, toServer, leader, log>>

\* What the client notes of its watches when it reads an answer.
Noted(c, r, err) ==
    CASE r.op = "setWatches" -> [c EXCEPT !.persistent = @ \cup r.persistent, !.recursive = @ \cup r.recursive]
      [] r.op = "closeSession" -> [c EXCEPT !.over = TRUE]
      [] r.op = "exists" /\ r.flag -> IF err = OK THEN [c EXCEPT !.data = @ \cup {r.path}]
                                                  ELSE [c EXCEPT !.exist = @ \cup {r.path}]
      [] r.op = "getData" /\ r.flag /\ err = OK -> [c EXCEPT !.data = @ \cup {r.path}]
      [] r.op = "getChildren" /\ r.flag /\ err = OK -> [c EXCEPT !.child = @ \cup {r.path}]
      [] OTHER -> c

\* What it notes when it hears an event: one-shot watches are used up.
Spent(c, type, p) ==
    CASE type = "deleted" -> [c EXCEPT !.data = @ \ {p}, !.exist = @ \ {p}, !.child = @ \ {p}]
      [] type = "childrenChanged" -> [c EXCEPT !.child = @ \ {p}]
      [] OTHER -> [c EXCEPT !.data = @ \ {p}, !.exist = @ \ {p}]

Without(waits, n) == SubSeq(waits, 1, n - 1) \o SubSeq(waits, n + 1, Len(waits))

Offline(c) == [c EXCEPT !.conn = 0, !.ready = FALSE, !.waits = <<>>]

Heeding(c, m) ==
    CASE m.type = "connected" -> [c EXCEPT !.session = m.session, !.ready = TRUE]
      [] m.type = "rejected" -> [c EXCEPT !.over = TRUE]
      [] m.type = "end" -> Offline(c)
      [] m.type = "event" -> Spent(c, m.event, m.path)
      [] m.type = "reply" ->
           LET n == CHOOSE n \in 1..Len(c.waits) :
                      c.waits[n].xid = m.xid /\ \A l \in 1..n - 1 : c.waits[l].xid # m.xid
           IN  Noted([c EXCEPT !.waits = Without(@, n), !.seen = m.zxid], c.waits[n].request, m.err)

\* A client reads what is next on its connection.
Receive(c) ==
    LET k == client[c].conn IN
    /\ k # 0
    /\ IF k = 0 THEN FALSE ELSE down[k] # <<>>
    /\ client' = [client EXCEPT ![c] = Heeding(@, Head(down[k]))]
    /\ down' = [down EXCEPT ![k] = Tail(@)]
    /\ UNCHANGED <<server, conn, at, up, toLeader, toServer, leader, log>>

\* Client and network part: the first n that the client has sent still arrive, of the answers nothing more.
Cut(k, n) ==
    /\ client[ClientOf[k]].conn = k
    /\ n <= Len(up[k])
    /\ up' = [up EXCEPT ![k] = IF at[k] > 0 THEN Append(SubSeq(@, 1, n), End) ELSE <<>>]
    /\ down' = [down EXCEPT ![k] = <<>>]
    /\ client' = [client EXCEPT ![ClientOf[k]] = Offline(@)]
    /\ UNCHANGED <<server, conn, at, toLeader, toServer, leader, log>>
=============================================================================
