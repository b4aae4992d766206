import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/** The Java client; what it prints is read by the test (README.md). Usage: Session HOSTS [owner]. */
public final class Session {
    private static final BufferedReader INPUT = new BufferedReader(new InputStreamReader(System.in));
    private static final long PATIENCE_SECONDS = 30;

    private final LinkedBlockingQueue<KeeperState> states = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<WatchedEvent> events = new LinkedBlockingQueue<>();
    private final ZooKeeper zk;

    private Session(String hosts, int timeoutMs) throws Exception {
        zk = new ZooKeeper(hosts, timeoutMs, event -> states.add(event.getState()));
        waitFor(KeeperState.SyncConnected);
    }

    public static void main(String[] args) throws Exception {
        if (args.length > 1) {
            Session owner = new Session(args[0], 1500);
            owner.zk.create("/owned", new byte[0], Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
            say("ready");
            Thread.sleep(Long.MAX_VALUE);
        }
        new Session(args[0], 5000).steps();
        System.exit(0);
    }

    private void steps() throws Exception {
        say("ok connect");
        equal(zk.create("/s", bytes("one"), Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT), "/s");
        equal(zk.create("/s/q-", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_SEQUENTIAL), "/s/q-0000000000");
        try {
            zk.create("/s", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            throw new AssertionError("created twice");
        } catch (KeeperException.NodeExistsException expected) {
            say("ok create");
        }
        Stat stat = new Stat();
        equal(text(zk.getData("/s", false, stat)), "one");
        equal(stat.getNumChildren(), 1);
        equal(zk.getChildren("/s", false), List.of("q-0000000000"));
        say("ok read");
        equal(zk.setData("/s", bytes("two"), 0).getVersion(), 1);
        try {
            zk.setData("/s", bytes("no"), 0);
            throw new AssertionError("written over a newer version");
        } catch (KeeperException.BadVersionException expected) {
            equal(text(zk.getData("/s", false, null)), "two");
        }
        zk.multi(Arrays.asList(
            Op.create("/s/m", bytes("m"), Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
            Op.check("/s", 1), Op.delete("/s/m", 0)));
        say("ok write");
        zk.getData("/s", events::add, null);
        ask("write /s three");
        expect(EventType.NodeDataChanged, "/s");
        say("ok watch");
        ask("start-owner");
        equal(zk.exists("/owned", events::add) != null, true);
        ask("kill-owner");
        expect(EventType.NodeDeleted, "/owned");
        say("ok ephemeral");
        failover();
    }

    private void failover() throws Exception {
        long session = zk.getSessionId();
        zk.create("/s/mine", null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
        zk.getData("/s", events::add, null);
        zk.exists("/s/later", events::add);
        states.clear();
        ask("kill-leader");
        waitFor(KeeperState.Disconnected);
        waitFor(KeeperState.SyncConnected);
        equal(zk.getSessionId(), session);
        equal(zk.exists("/s/mine", false).getEphemeralOwner(), session);
        ask("write /s four");
        expect(EventType.NodeDataChanged, "/s");
        zk.create("/s/later", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        expect(EventType.NodeCreated, "/s/later");
        zk.close();
        say("ok failover");
    }

    private void waitFor(KeeperState wanted) throws Exception {
        for (;;) {
            KeeperState state = states.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (state == wanted) return;
            if (state == null || state == KeeperState.Expired) throw new AssertionError(state + ", not " + wanted);
        }
    }

    private void expect(EventType type, String path) throws Exception {
        for (;;) {
            WatchedEvent event = events.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (event == null) throw new AssertionError("no " + type + " of " + path);
            // A watcher also hears of connections lost and found.
            if (event.getType() == EventType.None) continue;
            equal(event.getType() + " " + event.getPath(), type + " " + path);
            return;
        }
    }

    private static void ask(String what) throws Exception {
        say("ask " + what);
        if (INPUT.readLine() == null) throw new AssertionError("nobody did what was asked: " + what);
    }

    private static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    private static void equal(Object a, Object b) {
        if (!a.equals(b)) throw new AssertionError(a + " is not " + b);
    }

    private static byte[] bytes(String s) {
        return s.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] b) {
        return new String(b, StandardCharsets.UTF_8);
    }
}
