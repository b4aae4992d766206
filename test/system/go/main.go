// The Go client; what it prints is read by the test (README.md). Usage: session HOSTS [owner].
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"
)

const patience = 30 * time.Second

var (
	input = bufio.NewScanner(os.Stdin)
	open  = zk.WorldACL(zk.PermAll)
)

func say(line string) { fmt.Println(line) }

func ask(what string) {
	say("ask " + what)
	if !input.Scan() {
		panic("nobody did what was asked: " + what)
	}
}

func equal(a, b any) {
	if a != b {
		panic(fmt.Sprintf("%v is not %v", a, b))
	}
}

func must[A any](a A, err error) A {
	if err != nil {
		panic(err)
	}
	return a
}

func waitFor(states <-chan zk.Event, wanted zk.State) {
	timeout := time.After(patience)
	for {
		select {
		case e := <-states:
			if e.State == wanted {
				return
			}
			if e.State == zk.StateExpired {
				panic("expired")
			}
		case <-timeout:
			panic("waited in vain for " + wanted.String())
		}
	}
}

func expect(events <-chan zk.Event, kind zk.EventType, path string) {
	select {
	case e := <-events:
		equal(e.Type, kind)
		equal(e.Path, path)
	case <-time.After(patience):
		panic("no " + kind.String() + " of " + path)
	}
}

func connect(timeout time.Duration) (*zk.Conn, <-chan zk.Event) {
	conn, states, err := zk.Connect(strings.Split(os.Args[1], ","), timeout, zk.WithLogInfo(false))
	if err != nil {
		panic(err)
	}
	waitFor(states, zk.StateHasSession)
	return conn, states
}

func owner() {
	conn, _ := connect(1500 * time.Millisecond)
	must(conn.Create("/owned", nil, zk.FlagEphemeral, open))
	say("ready")
	select {}
}

func watchData(conn *zk.Conn, path string) <-chan zk.Event {
	_, _, events, err := conn.GetW(path)
	if err != nil {
		panic(err)
	}
	return events
}

func main() {
	if len(os.Args) > 2 {
		owner()
	}
	conn, states := connect(5 * time.Second)
	say("ok connect")
	equal(must(conn.Create("/s", []byte("one"), 0, open)), "/s")
	equal(must(conn.Create("/s/q-", nil, zk.FlagSequence, open)), "/s/q-0000000000")
	_, err := conn.Create("/s", nil, 0, open)
	equal(err, zk.ErrNodeExists)
	say("ok create")
	data, stat, err := conn.Get("/s")
	equal(err, nil)
	equal(string(data), "one")
	equal(stat.NumChildren, int32(1))
	say("ok read")
	equal(must(conn.Set("/s", []byte("two"), 0)).Version, int32(1))
	_, err = conn.Set("/s", []byte("no"), 0)
	equal(err, zk.ErrBadVersion)
	must(conn.Multi(
		&zk.CreateRequest{Path: "/s/m", Data: []byte("m"), Acl: open},
		&zk.CheckVersionRequest{Path: "/s", Version: 1},
		&zk.DeleteRequest{Path: "/s/m", Version: 0},
	))
	say("ok write")
	changed := watchData(conn, "/s")
	ask("write /s three")
	expect(changed, zk.EventNodeDataChanged, "/s")
	say("ok watch")
	ask("start-owner")
	there, _, gone, err := conn.ExistsW("/owned")
	equal(err, nil)
	equal(there, true)
	ask("kill-owner")
	expect(gone, zk.EventNodeDeleted, "/owned")
	say("ok ephemeral")

	session := conn.SessionID()
	must(conn.Create("/s/mine", nil, zk.FlagEphemeral, open))
	changed = watchData(conn, "/s")
	for len(states) > 0 {
		<-states
	}
	ask("kill-leader")
	waitFor(states, zk.StateDisconnected)
	waitFor(states, zk.StateHasSession)
	equal(conn.SessionID(), session)
	there, mine, err := conn.Exists("/s/mine")
	equal(err, nil)
	equal(there, true)
	equal(mine.EphemeralOwner, session)
	ask("write /s four")
	expect(changed, zk.EventNodeDataChanged, "/s")
	conn.Close()
	say("ok failover")
}
