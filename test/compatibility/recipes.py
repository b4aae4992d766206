"""What people build with a client: kazoo's recipes, each checked by two clients or more against servers of ours.

Usage: recipes.py HOSTS SECTION...; prints `ok SECTION` when it has held, `ask WHAT` where something must happen to the
servers before it goes on.
"""
import os
import sys
import threading
import time

from kazoo.client import KazooClient, KazooState
from kazoo.retry import KazooRetry
from kazoo.security import make_digest_acl

HOSTS = sys.argv[1]
PATIENCE = 30


def client(hosts=HOSTS, chroot="", timeout=4.0):
    made = KazooClient(hosts=hosts + chroot, timeout=timeout, connection_retry=KazooRetry(max_tries=-1, max_delay=0.5))
    made.start(timeout=PATIENCE)
    return made


def eventually(what, look):
    end = time.monotonic() + PATIENCE
    while not look():
        if time.monotonic() > end:
            raise AssertionError("waited in vain: " + what)
        time.sleep(0.05)


def ask(what):
    print("ask " + what, flush=True)
    sys.stdin.readline()


def chroot():
    plain = client()
    plain.ensure_path("/app/part")
    inside = client(chroot="/app/part")
    seen = []
    inside.create("/node", b"x")
    inside.get("/node", watch=lambda event: seen.append(event.path))
    assert plain.get("/app/part/node")[0] == b"x"
    assert inside.get_children("/") == ["node"]
    plain.set("/app/part/node", b"y")
    eventually("the event has the path inside", lambda: seen == ["/node"])
    assert inside.create("/seq-", sequence=True).startswith("/seq-")


def hosts():
    first, *others = HOSTS.split(",")
    moved = client(hosts=first)
    session = moved.client_id[0]
    moved.create("/hosts-mine", ephemeral=True)
    moved.set_hosts(",".join(others))
    ask("stop 1")
    eventually("another server", lambda: moved.connected and moved.exists("/hosts-mine") is not None)
    assert moved.client_id[0] == session
    ask("start 1")


def states():
    told = []
    watched = client(timeout=2.0)
    watched.add_listener(told.append)
    ask("stop 1 2")
    eventually("suspended", lambda: KazooState.SUSPENDED in told)
    ask("start 1 2")
    eventually("connected again", lambda: told[-1:] == [KazooState.CONNECTED])
    killer = client()
    session, password = watched.client_id
    thief = KazooClient(hosts=HOSTS, client_id=(session, password))
    thief.start(timeout=PATIENCE)
    thief.stop()
    eventually("lost", lambda: KazooState.LOST in told)
    killer.stop()


def rewatch():
    watcher, writer = client(), client()
    watcher.add_auth("digest", "u:p")
    writer.create("/rewatch", b"0")
    watcher.create("/rewatch-secret", b"secret", acl=[make_digest_acl("u", "p", all=True)])
    seen = []
    watcher.DataWatch("/rewatch", lambda data, stat: seen.append(data))
    session = watcher.client_id[0]
    watcher._connection._socket.shutdown(2)
    writer.set("/rewatch", b"1")
    eventually("what was missed", lambda: seen[-1] == b"1")
    writer.set("/rewatch", b"2")
    eventually("the next change", lambda: seen[-1] == b"2")
    assert watcher.client_id[0] == session
    assert watcher.get("/rewatch-secret")[0] == b"secret"


def names():
    one, two = client(), client()
    parties = [one.Party("/party", "one"), two.Party("/party", "two")]
    for party in parties:
        party.join()
    eventually("both are members", lambda: sorted(parties[0]) == ["one", "two"])
    config, members = [], []
    one.ensure_path("/config")
    one.DataWatch("/config", lambda data, stat: config.append(data))
    one.ChildrenWatch("/party", lambda children: members.append(len(children)))
    two.set("/config", b"new")
    eventually("the new configuration", lambda: config[-1] == b"new")
    two.stop()
    eventually("one member is left", lambda: members[-1] == 1 and list(parties[0]) == ["one"])


def barriers():
    one, two = client(), client()
    gate = one.Barrier("/barrier")
    gate.create()
    assert not two.Barrier("/barrier").wait(timeout=0.3)
    gate.remove()
    assert two.Barrier("/barrier").wait(timeout=PATIENCE)
    entered, left = [], []

    def pass_through(who, name):
        double = who.DoubleBarrier("/double", 2, name)
        double.enter()
        entered.append(time.monotonic())
        time.sleep(0.2)
        double.leave()
        left.append(time.monotonic())

    first = threading.Thread(target=pass_through, args=(one, "one"))
    first.start()
    time.sleep(0.5)
    assert entered == [], "alone nobody enters"
    second = threading.Thread(target=pass_through, args=(two, "two"))
    second.start()
    first.join(PATIENCE)
    second.join(PATIENCE)
    assert len(entered) == 2 and len(left) == 2 and min(left) >= max(entered)


def queues():
    one, two = client(), client()
    for text in (b"a", b"b", b"c"):
        one.Queue("/queue").put(text)
    one.Queue("/queue").put(b"urgent", priority=1)
    taken = [who.Queue("/queue").get() for who in (one, two, one, two)]
    assert taken == [b"urgent", b"a", b"b", b"c"], taken
    assert one.Queue("/queue").get() is None
    shared, got = one.LockingQueue("/locking"), []
    shared.put_all([str(i).encode() for i in range(20)])

    def take(who):
        queue = who.LockingQueue("/locking")
        while True:
            item = queue.get(timeout=2)
            if item is None:
                return
            got.append(item)
            queue.consume()

    takers = [threading.Thread(target=take, args=(who,)) for who in (one, two)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join(PATIENCE)
    assert sorted(got, key=int) == [str(i).encode() for i in range(20)], got


def locks():
    one, two, three = client(), client(), client()
    inside, most = [], []

    def work(who, name):
        for _ in range(5):
            with who.Lock("/lock", name):
                inside.append(name)
                most.append(len(inside))
                time.sleep(0.01)
                inside.remove(name)

    workers = [threading.Thread(target=work, args=pair) for pair in ((one, "1"), (two, "2"), (three, "3"))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(PATIENCE)
    assert len(most) == 15 and max(most) == 1
    readers = [one.ReadLock("/shared"), two.ReadLock("/shared")]
    for reader in readers:
        assert reader.acquire(timeout=PATIENCE)
    writer = three.WriteLock("/shared")
    assert not writer.acquire(blocking=False)
    for reader in readers:
        reader.release()
    assert writer.acquire(timeout=PATIENCE)


def commit():
    """Two sites vote, the coordinator decides in one transaction that sees both votes."""
    coordinator, sites = client(), [client(), client()]
    coordinator.create("/tx")
    for number, votes in enumerate((("commit", "commit"), ("commit", "abort"))):
        path = "/tx/%d" % number
        coordinator.create(path, b"undecided")
        heard = []
        for site, vote in enumerate(votes):
            sites[site].DataWatch(path, lambda data, stat: heard.append(data))
            sites[site].create("%s/%d" % (path, site), vote.encode())
        decision = b"commit" if all(v == "commit" for v in votes) else b"abort"
        transaction = coordinator.transaction()
        for site in range(2):
            transaction.check("%s/%d" % (path, site), version=0)
        transaction.set_data(path, decision, version=0)
        assert not [r for r in transaction.commit() if isinstance(r, Exception)]
        eventually("both hear the decision", lambda: heard.count(decision) == 2)


def election():
    clients, led = [client(timeout=2.0), client(timeout=2.0)], []
    holds = threading.Event()

    def lead(name):
        led.append(name)
        holds.wait(PATIENCE)

    threads = []
    for number, who in enumerate(clients):
        thread = threading.Thread(target=lambda w=who, n=number: w.Election("/election", n).run(lead, n), daemon=True)
        thread.start()
        threads.append(thread)
        eventually("a contender", lambda n=number: len(who.Election("/election").contenders()) > n)
    time.sleep(0.3)
    assert led == [0], led
    clients[0].stop()
    eventually("the other leads", lambda: led == [0, 1])
    holds.set()


for section in sys.argv[2:]:
    globals()[section]()
    print("ok " + section, flush=True)
sys.stdout.flush()
os._exit(0)  # threads of clients would go on
