/*
 * Preloaded into a server: holds the fsync of chosen files, and cuts connections, when a file in the directory HOLD says so.
 *   HOLD/NAME      an fsync of a file whose name begins with NAME waits until this file is gone
 *   HOLD/cut-PORT  connections to PORT end; the file is removed
 *   HOLD/held-NAME is made when an fsync waits
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *hold(void) { return getenv("HOLD"); }

static void wait_while_held(int fd) {
  char link[64], path[4096];
  if (hold() == NULL) return;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n <= 0) return;
  path[n] = 0;
  const char *base = strrchr(path, '/');
  base = base == NULL ? path : base + 1;
  const char *names[] = {"log", "currentEpoch"};
  for (int k = 0; k < 2; k++) {
    char flag[4200], told[4200];
    if (strncmp(base, names[k], strlen(names[k])) != 0) continue;
    snprintf(flag, sizeof flag, "%s/%s", hold(), names[k]);
    snprintf(told, sizeof told, "%s/held-%s", hold(), names[k]);
    while (access(flag, F_OK) == 0) {
      int made = open(told, O_CREAT | O_WRONLY, 0644);
      if (made >= 0) close(made);
      usleep(1000);
    }
  }
}

int fsync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  wait_while_held(fd);
  return real(fd);
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  wait_while_held(fd);
  return real(fd);
}

static int port_of(int fd) {
  struct sockaddr_storage peer;
  socklen_t length = sizeof peer;
  if (getpeername(fd, (struct sockaddr *)&peer, &length) != 0) return 0;
  if (peer.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&peer)->sin_port);
  if (peer.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&peer)->sin6_port);
  return 0;
}

static void *cuts(void *unused) {
  (void)unused;
  for (;;) {
    DIR *dir = opendir(hold());
    if (dir != NULL) {
      for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (strncmp(e->d_name, "cut-", 4) != 0) continue;
        char path[4200];
        snprintf(path, sizeof path, "%s/%s", hold(), e->d_name);
        for (int fd = 3; fd < 4096; fd++)
          if (port_of(fd) == atoi(e->d_name + 4)) shutdown(fd, SHUT_RDWR);
        unlink(path);
      }
      closedir(dir);
    }
    usleep(2000);
  }
  return NULL;
}

__attribute__((constructor)) static void begin(void) {
  pthread_t thread;
  if (hold() != NULL && pthread_create(&thread, NULL, cuts, NULL) == 0) pthread_detach(thread);
}
