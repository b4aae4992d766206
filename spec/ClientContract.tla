--------------------------- MODULE ClientContract ---------------------------
(***************************************************************************)
(* What a client may rely on, whichever servers it talks to.               *)
(*                                                                         *)
(* 1. Writes take effect in one order, which only grows; each at one       *)
(*    place, between its call and its answer; those of a session in the    *)
(*    order in which they were sent.                                       *)
(* 2. A session's writes take effect only between its beginning and its    *)
(*    end; a znode that belongs to a session exists only as long.          *)
(* 3. Answers come in the order of the calls.  Each shows one place of the *)
(*    order, all of it up to there and nothing beyond; the places that one *)
(*    client is shown never go back, over reconnections too.               *)
(* 4. The answer to a sync shows at least what any client had been shown   *)
(*    when the sync was sent.                                              *)
(* 5. A client that holds a watch is told of a change before it is shown a *)
(*    place at which what it watches looks different.                      *)
(* 6. A client is told that its session is over only when its end is       *)
(*    decided; that its session lives at another server is no answer to a  *)
(*    write.                                                               *)
(*                                                                         *)
(* Not promised: that a session is gone when its client hears so, since    *)
(* its end, and what it wrote before, may take effect later; that an       *)
(* answer is the latest (sync is for that); that one watch tells of every  *)
(* change, or of changes that were undone while the client was not         *)
(* connected; anything about a call whose connection ended.                *)
(* Zxids of events do not count as shown: no client of ZooKeeper's counts  *)
(* them either.                                                            *)
(*                                                                         *)
(* Refined by: Service (checked in ServiceProof).                          *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
    Client, Path, None,
    Moved,            \* the error of a write whose session lives elsewhere
    Shows(_, _, _),   \* Shows(op, p, tree): what such a read of p is answered
    Looks(_, _, _)    \* Looks(kind, p, tree): what a watch of this kind on p watches

VARIABLES
    order,    \* order[n]: the n-th write: its session, number (0: not a client's), kind, error, and the znodes after it
    doomed,   \* the sessions whose end is decided
    session,  \* session[c]: the session of client c, 0 before it has one
    over,     \* over[c]: it has been told that its session is over
    next,     \* next[c]: the number of its next call
    calls,    \* calls[c]: its calls that wait for an answer, oldest first
    seen,     \* seen[c]: the place of the order that it was last shown
    said,     \* said[c]: what it was told last
    held      \* held[c]: its watches: kind, path, and the place since which nothing was to be told

vars == <<order, doomed, session, over, next, calls, seen, said, held>>

Untouched == [p \in Path |-> None]

-----------------------------------------------------------------------------
(* The order                                                               *)

TreeAt(ord, n) == IF n = 0 THEN Untouched ELSE ord[n].tree

IsPrefix(s, t) == Len(s) <= Len(t) /\ s = SubSeq(t, 1, Len(s))

Ended(ord, n, s) == \E m \in 1..n : ord[m].session = s /\ ord[m].kind = "end"

Begun(ord, n, s) == \E m \in 1..n : ord[m].session = s /\ ord[m].kind = "begin"

TakesEffect(ord, n) ==
    LET o == ord[n] IN
    /\ o.err # 0 => o.tree = TreeAt(ord, n - 1)
    /\ (o.err = 0 /\ o.session # 0 /\ o.kind # "begin") => Begun(ord, n, o.session)
    \* The end of a session may be said twice, by itself and by the clock.
    /\ (o.err = 0 /\ Ended(ord, n - 1, o.session)) => (o.kind = "end" /\ o.tree = TreeAt(ord, n - 1))
    /\ (o.err = 0 /\ o.number > 0) =>
         \A m \in 1..n - 1 : ord[m].session = o.session /\ ord[m].err = 0 => ord[m].number < o.number

\* A znode that belongs to a session exists only while the session does.
Owned(ord, n) ==
    \A p \in Path : ord[n].tree[p] # None =>
        LET s == ord[n].tree[p].owner IN s = 0 \/ (Begun(ord, n, s) /\ ~Ended(ord, n, s))

\* Whoever wrote it has called, though it may not know yet which session it was given.
Called(ord, n) ==
    ord[n].number > 0 => \E c \in Client : session'[c] \in {0, ord[n].session} /\ ord[n].number < next'[c]

Grow ==
    /\ IsPrefix(order, order')
    /\ \A n \in Len(order) + 1 .. Len(order') : TakesEffect(order', n) /\ Owned(order', n) /\ Called(order', n)
    /\ doomed \subseteq doomed'
    /\ \A n \in Len(order) + 1 .. Len(order') : order'[n].kind = "end" => order'[n].session \in doomed

-----------------------------------------------------------------------------
(* What one client calls and is told                                       *)

Furthest == CHOOSE n \in {seen[c] : c \in Client} : \A c \in Client : seen[c] <= n

Idle(c) == UNCHANGED <<over[c], calls[c], seen[c], said[c], held[c]>> /\ next'[c] >= next[c]

Call(c) ==
    /\ UNCHANGED <<over[c], seen[c], said[c], held[c]>>
    /\ Len(calls'[c]) = Len(calls[c]) + 1
    /\ IsPrefix(calls[c], calls'[c])
    /\ calls'[c][Len(calls'[c])].floor = Furthest

\* The connection ends, and with it what was not answered.
Leave(c) == calls'[c] = <<>> /\ UNCHANGED <<over[c], seen[c], said[c], held[c]>>

WriteAt(c, xid, z) == {n \in 1..z : order[n].session = session[c] /\ order[n].number = xid}

Right(c, call, m) ==
    CASE call.kind = "read" -> m.err = 0 => m.sees = Shows(call.op, call.path, TreeAt(order, m.zxid))
      [] call.kind = "write" -> \E n \in WriteAt(c, call.xid, m.zxid) : order[n].err = m.err /\ m.err # Moved
      [] call.kind = "sync" -> m.zxid >= call.floor
      [] OTHER -> TRUE

Answer(c) ==
    /\ calls[c] # <<>>
    /\ calls'[c] = Tail(calls[c])
    /\ said'[c].type = "reply"
    /\ said'[c].xid = Head(calls[c]).xid
    /\ said'[c].zxid = seen'[c]
    /\ seen'[c] >= seen[c] /\ seen'[c] <= Len(order)
    /\ Right(c, Head(calls[c]), said'[c])
    /\ over'[c] => over[c] \/ Ended(order, seen'[c], session[c])

\* An event of the order tells something that the client has not been shown.
Tell(c) ==
    /\ UNCHANGED <<over[c], calls[c], seen[c]>>
    /\ said'[c].type = "event"
    /\ said'[c].zxid = -1 \/ (said'[c].zxid > seen[c] /\ said'[c].zxid <= Len(order))

Reject(c) ==
    /\ over'[c] /\ session[c] \in doomed
    /\ UNCHANGED <<calls[c], seen[c], said[c], held[c]>>

Attach(c) == session[c] = 0 /\ UNCHANGED <<over[c], calls[c], seen[c], said[c], held[c]>>

\* Nothing that the client watches looks different at the place that it was shown from what it was told.
Told(c) ==
    \A w \in held[c] : w.since <= seen[c] =>
        Looks(w.kind, w.path, TreeAt(order, seen[c])) = Looks(w.kind, w.path, TreeAt(order, w.since))

Step(c) == Idle(c) \/ Call(c) \/ Leave(c) \/ Answer(c) \/ Tell(c) \/ Reject(c) \/ Attach(c)

-----------------------------------------------------------------------------

Init ==
    /\ \A n \in 1..Len(order) : TakesEffect(order, n) /\ Owned(order, n)
    /\ over = [c \in Client |-> FALSE]
    /\ calls = [c \in Client |-> <<>>]
    /\ seen = [c \in Client |-> 0]
    /\ held = [c \in Client |-> {}]

Next ==
    /\ Grow
    /\ \A c \in Client :
         /\ Step(c)
         /\ Told(c)'
         /\ session[c] # 0 => session'[c] = session[c]

Spec == Init /\ [][Next]_vars
=============================================================================
