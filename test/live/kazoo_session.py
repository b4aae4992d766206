"""What an application does with ZooKeeper, through kazoo. Started by kazoo.test.ts.

usage: kazoo_session.py HOSTS SECTION...

Prints `ok NAME` for each thing that held. Where something must happen to the servers it prints `ask WHAT` and goes on
when a line has come on its input. Ends with a traceback and code 1 at the first thing that does not hold.
"""

import os
import signal
import subprocess
import sys
import threading
import time

from kazoo.client import KazooClient
from kazoo.exceptions import (
    BadVersionError,
    NoAuthError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    RolledBackError,
)
from kazoo.protocol.states import EventType
from kazoo.recipe.watchers import ChildrenWatch, DataWatch
from kazoo.security import make_acl, make_digest_acl

# Seconds for what should come soon; machines may be busy.
PATIENCE = 20

hosts = sys.argv[1]


def ok(name):
    print("ok " + name, flush=True)


def ask(what):
    print("ask " + what, flush=True)
    if sys.stdin.readline() == "":
        raise AssertionError("nobody did what was asked: " + what)


def equal(a, b):
    if a != b:
        raise AssertionError("%r is not %r" % (a, b))


def raises(error, call, *args, **kwargs):
    try:
        result = call(*args, **kwargs)
    except error:
        return
    raise AssertionError("no %s but %r" % (error.__name__, result))


def eventually(what, look):
    end = time.monotonic() + PATIENCE
    while not look():
        if time.monotonic() > end:
            raise AssertionError("waited in vain: " + what)
        time.sleep(0.02)


def client(timeout=5.0, **kwargs):
    zk = KazooClient(hosts=hosts, timeout=timeout, randomize_hosts=False, **kwargs)
    zk.start(timeout=PATIENCE)
    return zk


def modes(zk):
    equal(zk.create("/modes", b"root"), "/modes")
    equal(zk.create("/modes/s-", b"1", sequence=True), "/modes/s-0000000000")
    equal(zk.create("/modes/s-", b"2", sequence=True), "/modes/s-0000000001")
    equal(zk.create("/modes/e", b"3", ephemeral=True), "/modes/e")
    path = zk.create("/modes/es-", b"4", ephemeral=True, sequence=True)
    equal(path, "/modes/es-0000000003")
    own = zk.client_id[0]
    for p, owner in (("/modes/s-0000000000", 0), ("/modes/e", own), (path, own)):
        equal(zk.exists(p).ephemeralOwner, owner)
    raises(NodeExistsError, zk.create, "/modes")
    raises(NoNodeError, zk.create, "/no/parent")
    made, stat = zk.create("/modes/s2", b"five", include_data=True)
    equal((made, stat.version, stat.dataLength), ("/modes/s2", 0, 4))
    ok("create in all four modes")


def read_write(zk):
    zk.create("/rw", b"one")
    data, stat = zk.get("/rw")
    equal((data, stat.version, stat.czxid), (b"one", 0, stat.mzxid))
    equal(zk.set("/rw", b"two").version, 1)
    equal(zk.set("/rw", b"three", version=1).version, 2)
    raises(BadVersionError, zk.set, "/rw", b"no", version=1)
    raises(NoNodeError, zk.set, "/nowhere", b"no")
    equal(zk.get("/rw")[0], b"three")
    equal(zk.exists("/nowhere"), None)
    big = bytes(range(256)) * 2048
    zk.set("/rw", big)
    equal(zk.get("/rw")[0], big)
    for name in ("b", "a", "grüße", "c"):
        zk.create("/rw/" + name)
    equal(sorted(zk.get_children("/rw")), ["a", "b", "c", "grüße"])
    children, stat = zk.get_children("/rw", include_data=True)
    equal((len(children), stat.numChildren, stat.cversion), (4, 4, 4))
    raises(NotEmptyError, zk.delete, "/rw")
    raises(BadVersionError, zk.delete, "/rw/a", version=7)
    zk.delete("/rw/a", version=0)
    equal(zk.sync("/rw"), "/rw")
    equal(len(zk.get_children("/rw")), 3)
    zk.delete("/rw", recursive=True)
    raises(NoNodeError, zk.get, "/rw")
    ok("read, write, children, delete")


def acls(zk):
    zk.create("/acl", b"secret", acl=[make_digest_acl("ann", "pw", all=True), make_acl("world", "anyone", read=True)])
    equal(zk.get("/acl")[0], b"secret")
    raises(NoAuthError, zk.set, "/acl", b"no")
    equal(len(zk.get_acls("/acl")[0]), 2)
    ann = client(auth_data=[("digest", "ann:pw")])
    ann.set("/acl", b"new")
    equal(ann.set_acls("/acl", [make_digest_acl("ann", "pw", all=True)]).aversion, 1)
    raises(NoAuthError, zk.get, "/acl")
    equal(ann.get("/acl")[0], b"new")
    zk.delete("/acl")
    ann.stop()
    ann.close()
    ok("ACL and digest")


def multi(zk):
    t = zk.transaction()
    t.create("/multi", b"1")
    t.create("/multi/a", b"2")
    t.set_data("/multi", b"3")
    t.check("/multi", 1)
    t.delete("/multi/a")
    results = t.commit()
    equal((results[0], results[1], results[2].version, results[3], results[4]), ("/multi", "/multi/a", 1, True, True))
    t = zk.transaction()
    t.create("/multi/b", b"")
    t.check("/multi", 9)
    t.create("/multi/c", b"")
    results = t.commit()
    equal([type(r) for r in results[:2]], [RolledBackError, BadVersionError])
    equal(zk.get_children("/multi"), [])
    ok("multi: all or nothing")


def watches(zk):
    seen = []
    other = client()
    zk.create("/w", b"")
    zk.get("/w", watch=seen.append)
    zk.get_children("/w", watch=seen.append)
    zk.exists("/w/new", watch=seen.append)
    other.create("/w/new", b"")
    eventually("child and exists watch", lambda: len(seen) == 2)
    equal(sorted((e.type, e.path) for e in seen), [(EventType.CHILD, "/w"), (EventType.CREATED, "/w/new")])
    other.set("/w", b"x")
    eventually("data watch", lambda: len(seen) == 3)
    equal((seen[2].type, seen[2].path), (EventType.CHANGED, "/w"))
    other.set("/w", b"y")
    zk.exists("/w/new", watch=seen.append)
    other.delete("/w/new")
    eventually("the deletion", lambda: len(seen) == 4)
    # A watch fires once: the second write came before the deletion and told nobody.
    equal((seen[3].type, seen[3].path), (EventType.DELETED, "/w/new"))
    other.stop()
    other.close()
    ok("watches: data, child, exists")


def owner(path):
    """A process of its own that holds an ephemeral until it is killed."""
    zk = KazooClient(hosts=hosts, timeout=2.5)
    zk.start(timeout=PATIENCE)
    zk.create(path, b"", ephemeral=True)
    print("ready", flush=True)
    signal.pause()


def ephemeral(zk):
    child = subprocess.Popen([sys.executable, __file__, hosts, "owner", "/owned"], stdout=subprocess.PIPE)
    try:
        equal(child.stdout.readline(), b"ready\n")
        gone = threading.Event()
        # The owner may be with a server that is ahead of this one.
        zk.sync("/")
        stat = zk.exists("/owned", watch=lambda e: gone.set() if e.type == EventType.DELETED else None)
        equal(stat.ephemeralOwner != 0, True)
    finally:
        child.kill()
        child.wait()
    # Nobody has closed the session: the servers must let it expire.
    eventually("the ephemeral of a dead client goes", gone.is_set)
    equal(zk.exists("/owned"), None)
    polite = client()
    polite.create("/polite", b"", ephemeral=True)
    polite.stop()
    equal(zk.exists("/polite"), None)
    polite.close()
    ok("an ephemeral goes with its owner, killed or closed")


def lock(zk):
    other = client()
    order = []
    first = zk.Lock("/lock", "first")
    second = other.Lock("/lock", "second")
    first.acquire(timeout=PATIENCE)
    equal(second.acquire(blocking=False), False)

    def wait():
        with second:
            order.append("second")

    waiter = threading.Thread(target=wait)
    waiter.start()
    eventually("both contend", lambda: len(zk.Lock("/lock").contenders()) == 2)
    order.append("first")
    first.release()
    waiter.join(PATIENCE)
    equal(order, ["first", "second"])
    other.stop()
    other.close()
    ok("lock recipe")


def failover(zk):
    """The server that leads, and that has this client, is killed."""
    values, listings, states = [], [], []
    zk.create("/f", b"before")
    zk.create("/f/mine", b"", ephemeral=True)
    zk.add_listener(states.append)
    DataWatch(zk, "/f", lambda data, stat: values.append(data))
    ChildrenWatch(zk, "/f", listings.append)
    session = zk.client_id
    port = zk._connection._socket.getpeername()[1]
    ask("kill-leader %d" % port)
    eventually("the connection is lost", lambda: "SUSPENDED" in states)
    eventually("connected again", lambda: states[-1] == "CONNECTED")
    equal(zk.client_id, session)
    equal(zk._connection._socket.getpeername()[1] == port, False)
    stat = zk.retry(zk.exists, "/f/mine")
    equal(stat.ephemeralOwner, session[0])
    other = client()
    other.set("/f", b"after")
    other.create("/f/new", b"")
    eventually("data watch after the move", lambda: values[-1] == b"after")
    eventually("child watch after the move", lambda: sorted(listings[-1]) == ["mine", "new"])
    equal("LOST" in states, False)
    other.stop()
    other.close()
    ok("the session lives on when the leader is killed: same id, ephemeral, watches")


SECTIONS = {f.__name__: f for f in (modes, read_write, acls, multi, watches, ephemeral, lock, failover)}


def main():
    if sys.argv[2] == "owner":
        owner(sys.argv[3])
    for name in sys.argv[2:]:
        zk = client()
        # Each begins with nothing there.
        for child in zk.get_children("/"):
            if child != "zookeeper":
                zk.delete("/" + child, recursive=True)
        SECTIONS[name](zk)
        zk.stop()
        zk.close()
    # Threads of a client that hangs must not keep the process.
    sys.stdout.flush()
    os._exit(0)


try:
    main()
except BaseException:
    import traceback

    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)
