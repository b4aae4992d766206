"""kazoo with SASL DIGEST-MD5, or with TLS: who one is, and whose node may be read. Says what held, a line each."""

import sys

from kazoo.client import KazooClient
from kazoo.exceptions import NoAuthError
from kazoo.security import make_acl

kind, hosts, *rest = sys.argv[1:]


def sasl(user, password):
    options = {"mechanism": "DIGEST-MD5", "username": user, "password": password}
    return KazooClient(hosts=hosts, sasl_options=options)


def tls(directory, name):
    return KazooClient(
        hosts=hosts,
        use_ssl=True,
        ca=f"{directory}/ca.pem",
        certfile=f"{directory}/{name}.crt",
        keyfile=f"{directory}/{name}.key",
        verify_certs=True,
    )


def own_node(client, other, scheme, identity, path):
    client.start(timeout=20)
    other.start(timeout=20)
    client.create(path, b"mine", acl=[make_acl(scheme, identity, all=True)])
    assert client.get(path)[0] == b"mine"
    print("own node")
    try:
        other.get(path)
    except NoAuthError:
        print("not another's")
    client.stop()
    other.stop()


if kind == "sasl":
    own_node(sasl("bob", "bobsecret"), KazooClient(hosts=hosts), "sasl", "bob", "/kazoo-sasl")
    stranger = sasl("bob", "wrong")
    try:  # kazoo gives up in one way or another
        stranger.start(timeout=20)
    except Exception as problem:
        print(type(problem).__name__, file=sys.stderr)
    try:
        stranger.get("/")
    except Exception as problem:
        print(type(problem).__name__, file=sys.stderr)
        print("not with a wrong password")
else:
    identity = "CN=bob,OU=Dev,O=Acme,C=US"
    own_node(tls(rest[0], "client"), tls(rest[0], "other"), "x509", identity, "/kazoo-tls")
