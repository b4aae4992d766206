/* The C client, threaded; what it prints is read by the test (README.md). Usage: session HOSTS [owner]. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zookeeper/zookeeper.h>

#define PATIENCE_SECONDS 30

typedef struct {
    int type;
    int state;
    char path[256];
} seen_t;

/* Events as they come; the first of each kind that was not taken yet is taken by expect() and wait_state(). */
static seen_t seen[256];
static int seen_count, seen_taken;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;

static void die(const char *what, int code) {
    fprintf(stderr, "%s: %s\n", what, zerror(code));
    exit(1);
}

static void check(const char *what, int code, int wanted) {
    if (code != wanted) die(what, code);
}

static void that(const char *what, int holds) {
    if (!holds) {
        fprintf(stderr, "does not hold: %s\n", what);
        exit(1);
    }
}

static void say(const char *line) {
    printf("%s\n", line);
    fflush(stdout);
}

static void ask(const char *what) {
    char line[256];
    printf("ask %s\n", what);
    fflush(stdout);
    that("somebody did what was asked", fgets(line, sizeof line, stdin) != NULL);
}

static void watcher(zhandle_t *zh, int type, int state, const char *path, void *context) {
    (void)zh;
    (void)context;
    pthread_mutex_lock(&lock);
    that("room for events", seen_count < 256);
    seen[seen_count].type = type;
    seen[seen_count].state = state;
    snprintf(seen[seen_count].path, sizeof seen[0].path, "%s", path == NULL ? "" : path);
    seen_count += 1;
    pthread_cond_signal(&arrived);
    pthread_mutex_unlock(&lock);
}

static seen_t next(const char *what) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_SECONDS;
    pthread_mutex_lock(&lock);
    while (seen_taken == seen_count) that(what, pthread_cond_timedwait(&arrived, &lock, &end) == 0);
    seen_t event = seen[seen_taken++];
    pthread_mutex_unlock(&lock);
    return event;
}

static void wait_state(int wanted) {
    for (;;) {
        seen_t event = next("a change of state");
        if (event.type != ZOO_SESSION_EVENT) continue;
        that("the session lives", event.state != ZOO_EXPIRED_SESSION_STATE);
        if (event.state == wanted) return;
    }
}

static void expect(int type, const char *path) {
    seen_t event;
    do event = next(path);
    while (event.type == ZOO_SESSION_EVENT);
    that("the event that was expected", event.type == type && strcmp(event.path, path) == 0);
}

static void read_is(zhandle_t *zh, const char *path, const char *wanted, int watch) {
    char data[64];
    int length = sizeof data;
    check("get", zoo_get(zh, path, watch, data, &length, NULL), ZOK);
    that("the data", length == (int)strlen(wanted) && memcmp(data, wanted, strlen(wanted)) == 0);
}

static void failover(zhandle_t *zh) {
    struct Stat stat;
    int64_t session = zoo_client_id(zh)->client_id;
    check("create", zoo_create(zh, "/s/mine", NULL, -1, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, NULL, 0), ZOK);
    read_is(zh, "/s", "three", 1);
    ask("kill-leader");
    wait_state(ZOO_CONNECTING_STATE);
    wait_state(ZOO_CONNECTED_STATE);
    that("the same session", zoo_client_id(zh)->client_id == session);
    check("exists", zoo_exists(zh, "/s/mine", 0, &stat), ZOK);
    that("the owner", stat.ephemeralOwner == session);
    ask("write /s four");
    expect(ZOO_CHANGED_EVENT, "/s");
    check("close", zookeeper_close(zh), ZOK);
    say("ok failover");
}

int main(int argc, char **argv) {
    char made[64];
    struct Stat stat;
    struct String_vector children;
    zoo_op_t ops[3];
    zoo_op_result_t results[3];
    const int is_owner = argc > 2;
    zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
    zhandle_t *zh = zookeeper_init(argv[1], watcher, is_owner ? 1500 : 5000, NULL, NULL, 0);
    that("a handle", zh != NULL);
    wait_state(ZOO_CONNECTED_STATE);
    if (is_owner) {
        check("create", zoo_create(zh, "/owned", NULL, -1, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, NULL, 0), ZOK);
        say("ready");
        for (;;) pause();
    }
    say("ok connect");
    check("create", zoo_create(zh, "/s", "one", 3, &ZOO_OPEN_ACL_UNSAFE, 0, made, sizeof made), ZOK);
    check("create", zoo_create(zh, "/s/q-", NULL, -1, &ZOO_OPEN_ACL_UNSAFE, ZOO_SEQUENCE, made, sizeof made), ZOK);
    that("the name", strcmp(made, "/s/q-0000000000") == 0);
    check("create again", zoo_create(zh, "/s", NULL, -1, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0), ZNODEEXISTS);
    say("ok create");
    read_is(zh, "/s", "one", 0);
    check("children", zoo_get_children(zh, "/s", 0, &children), ZOK);
    that("one child", children.count == 1 && strcmp(children.data[0], "q-0000000000") == 0);
    deallocate_String_vector(&children);
    say("ok read");
    check("set", zoo_set2(zh, "/s", "two", 3, 0, &stat), ZOK);
    that("the version", stat.version == 1);
    check("set again", zoo_set(zh, "/s", "no", 2, 0), ZBADVERSION);
    zoo_create_op_init(&ops[0], "/s/m", "m", 1, &ZOO_OPEN_ACL_UNSAFE, 0, made, sizeof made);
    zoo_check_op_init(&ops[1], "/s", 1);
    zoo_delete_op_init(&ops[2], "/s/m", 0);
    check("multi", zoo_multi(zh, 3, ops, results), ZOK);
    say("ok write");
    read_is(zh, "/s", "two", 1);
    ask("write /s three");
    expect(ZOO_CHANGED_EVENT, "/s");
    say("ok watch");
    ask("start-owner");
    check("exists", zoo_exists(zh, "/owned", 1, &stat), ZOK);
    ask("kill-owner");
    expect(ZOO_DELETED_EVENT, "/owned");
    say("ok ephemeral");
    failover(zh);
    return 0;
}
