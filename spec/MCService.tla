----------------------------- MODULE MCService -----------------------------
(***************************************************************************)
(* Service with its bounds.  Each client sends the requests of its program *)
(* in their order; which servers it may turn to, how often connections are *)
(* cut, and how often the clock ticks is limited too.  None of the bounds  *)
(* reads a server.                                                         *)
(***************************************************************************)
EXTENDS Service

CONSTANTS
    History,   \* the transactions before the model begins, applied everywhere
    Known,     \* Known[c]: the session that client c has from before, 0 for none
    Home,      \* Home[c]: the server at which it is attached when a model begins in Attached
    Allowed,   \* Allowed[k]: the servers to which connection k may go
    Program,   \* Program[c]: the requests of client c
    MaxWaits,  \* how many of them may be unanswered at once
    Eager,     \* TRUE: clients send before they know that they are connected
    Cuts,      \* how often a connection is cut
    Ticks      \* how often the clock ticks

VARIABLE budget  \* what is left of these; sent[c] of its program client c has sent

mcVars == <<vars, budget>>

FullBudget == [cuts |-> Cuts, ticks |-> Ticks, sent |-> [c \in Client |-> 0]]

-----------------------------------------------------------------------------
(* Where models begin                                                      *)

Database == AppliedTo([tree |-> [p \in Path |-> None], sessions |-> {}, zxid |-> 0], History)

ServerAt(i, attached) ==
    [tree |-> Database.tree, sessions |-> Database.sessions, zxid |-> Len(History),
     attached |-> attached, forwarded |-> [s \in Session |-> <<>>], syncs |-> <<>>,
     touched |-> {s \in Session : attached[s] # 0}, next |-> 10 * i + 1]

\* A leader that has just begun gives every session its full time, and knows of none where it lives.
LeaderAt(owner) ==
    [track |-> [s \in Session |-> IF s \in Database.sessions THEN Tracked(owner[s]) ELSE None], waiting |-> <<>>]

Quiet ==
    /\ up = [k \in Conn |-> <<>>]
    /\ down = [k \in Conn |-> <<>>]
    /\ toLeader = [i \in Server |-> <<>>]
    /\ toServer = [i \in Server |-> <<>>]
    /\ log = History
    /\ budget = FullBudget

\* Nobody is connected; clients with a session have it from before.
MCInit ==
    /\ server = [i \in Server |-> ServerAt(i, [s \in Session |-> 0])]
    /\ conn = [k \in Conn |-> None]
    /\ at = [k \in Conn |-> 0]
    /\ client = [c \in Client |-> [Stranger EXCEPT !.session = Known[c]]]
    /\ leader = LeaderAt([s \in Session |-> 0])
    /\ Quiet

\* Client c is attached, over connection c, at its home.
HomeOf(s) == LET cs == {c \in Client : Known[c] = s} IN IF cs = {} THEN 0 ELSE Home[CHOOSE c \in cs : TRUE]
ConnOf(s, i) == LET cs == {c \in Client : Known[c] = s /\ Home[c] = i} IN IF cs = {} THEN 0 ELSE CHOOSE c \in cs : TRUE

Attached ==
    /\ server = [i \in Server |-> ServerAt(i, [s \in Session |-> ConnOf(s, i)])]
    /\ conn = [k \in Conn |-> IF k \in Client THEN [Fresh EXCEPT !.phase = "attached", !.session = Known[k]] ELSE None]
    /\ at = [k \in Conn |-> IF k \in Client THEN Home[k] ELSE 0]
    /\ client = [c \in Client |-> [Stranger EXCEPT !.session = Known[c], !.conn = c, !.ready = TRUE]]
    /\ leader = LeaderAt([s \in Session |-> HomeOf(s)])
    /\ Quiet

-----------------------------------------------------------------------------
(* Actions                                                                 *)

Spend(what) == budget[what] > 0 /\ budget' = [budget EXCEPT ![what] = @ - 1]

Free == UNCHANGED budget

MCConnectReceived(i, k) == ConnectReceived(i, k) /\ Free
MCRequestReceived(i, k) == RequestReceived(i, k) /\ Free
MCClientClosed(i, k) == ClientClosed(i, k) /\ Free
MCApplied(i) == Applied(i) /\ Free
MCSynced(i) == Synced(i) /\ Free
MCRevalidated(i) == Revalidated(i) /\ Free
MCTakeTouched(i) == TakeTouched(i) /\ Free
MCPrepare(j) == Prepare(j) /\ Free
MCAskSync(j) == AskSync(j) /\ Free
MCRevalidate(j) == Revalidate(j) /\ Free
MCTouchSessions(j) == TouchSessions(j) /\ Free

MCExpireSessions(i) == Spend("ticks") /\ ExpireSessions(i)

MCConnect(k, i) == i \in Allowed[k] /\ Connect(k, i) /\ Free

MCSend(c) ==
    /\ budget.sent[c] < Len(Program[c])
    /\ Len(client[c].waits) < MaxWaits
    /\ client[c].ready \/ Eager
    /\ Send(c, Program[c][budget.sent[c] + 1])
    /\ budget' = [budget EXCEPT !.sent[c] = @ + 1]

MCReceive(c) == Receive(c) /\ Free

MCCut(k, n) == Spend("cuts") /\ Cut(k, n)

\* A clock that never stops, for what must happen in the end.
FreeExpireSessions(i) == ExpireSessions(i) /\ Free

-----------------------------------------------------------------------------
(* Invariants                                                              *)

TypeOK ==
    /\ at \in [Conn -> Server \cup {0, -1}]
    /\ \A k \in Conn : (conn[k] = None) = (at[k] \notin Server)
    /\ \A k \in Conn : conn[k] # None =>
         conn[k].phase \in {"connected", "creating", "validating", "attached", "closing"}
    /\ \A i \in Server : server[i].zxid <= server[Leader].zxid /\ server[i].sessions \subseteq Session
    /\ server[Leader].zxid <= Len(log)

\* A session has one connection at a server, and that connection is the session's.
AttachedOnce ==
    \A i \in Server, s \in Session : LET k == server[i].attached[s] IN
        k # 0 => at[k] = i /\ conn[k].session = s

\* An ephemeral exists only while its session does.
EphemeralsLive ==
    \A i \in Server, p \in Path : server[i].tree[p] # None =>
        server[i].tree[p].owner \in server[i].sessions \cup {0}

\* No server attached to a client is behind what the client has seen.
NeverBehind ==
    \A c \in Client : LET k == client[c].conn IN
        (k # 0 /\ client[c].ready) => (IF k = 0 THEN TRUE ELSE at[k] > 0 => client[c].seen <= server[at[k]].zxid)

-----------------------------------------------------------------------------
(* In the end                                                              *)

\* Weak fairness, said by what such a step changes: whether it is enabled is read off the state.
Commits(i) ==
    \/ []<>~(IF i = Leader THEN server[i].zxid < Len(log) ELSE LeaderSaid(i, "commit"))
    \/ []<><<server'[i].zxid # server[i].zxid>>_mcVars

Ticked ==
    \E s \in Session : Live(leader.track, s) /\
        (IF Live(leader'.track, s) THEN leader'.track[s].left < leader.track[s].left ELSE Len(log') > Len(log))

Clock == []<>~(\E s \in Session : Live(leader.track, s)) \/ []<><<Ticked>>_mcVars

\* A session of which nothing more is heard is closed.
SilentExpires == <>[](\A i \in Server : server[i].sessions = {})

-----------------------------------------------------------------------------
(* What models that must fail say of states that can be reached            *)

Told(type, what(_)) == \E k \in Conn : \E n \in 1..Len(down[k]) : down[k][n].type = type /\ what(down[k][n])

NeverExpires == \A n \in 1..Len(log) : ~(log[n].type = "closeSession" /\ log[n].cxid = 0)
NeverRejects == LET Any(m) == TRUE IN ~Told("rejected", Any)
\* A client hears that its session is over while a znode of it is still there.
NeverEarly ==
    \A c \in Client : client[c].over => \A p \in Path : ~Owns(server[Leader].tree, p, client[c].session)
NeverMoves == \A n \in 1..Len(log) : ~(log[n].type = "error" /\ log[n].value = SessionMoved)
NeverTooLate == \A n \in 1..Len(log) : ~(log[n].type = "error" /\ log[n].value = SessionExpired)
NeverFires == LET Now(m) == m.zxid > 0 IN ~Told("event", Now)
NeverMissed == LET Late(m) == m.zxid = -1 IN ~Told("event", Late)
NeverRecursive ==
    LET Below(m) == m.path # 1 /\ m.event # "childrenChanged"
    IN  ~(Told("event", Below) /\ \E c \in Client : client[c].recursive = {1} /\ client[c].data = {})
NeverHeld == \A k \in Conn : conn[k] # None => conn[k].held = <<>>
NeverQueuesRead == \A k \in Conn : conn[k] # None => \A n \in 1..Len(conn[k].queue) : Waits(conn[k].queue[n])
NeverTurnsAway == \A k \in Conn : ~(at[k] = -1 /\ client[ClientOf[k]].conn = k /\ ~client[ClientOf[k]].ready
                                    /\ ~client[ClientOf[k]].over /\ down[k] = <<End>>)
NeverSyncWaits == leader.waiting = <<>>
NeverOutstanding ==
    ~ \E n \in 1..Len(log) : log[n].type = "closeSession" /\ n > server[Leader].zxid
        /\ \E p \in log[n].paths : server[Leader].tree[p] = None
=============================================================================
