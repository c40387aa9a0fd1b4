/*
 * Tells when this machine stood still: a thread on each CPU, of the highest class there is, wants to run every half
 * millisecond and writes a line for each time that it could not: "FROM TO" in µs of CLOCK_BOOTTIME and the same of
 * CLOCK_REALTIME. Whatever keeps it from running (the host took the CPU away, the kernel was busy in a section that
 * nothing preempts) keeps every program from running. Ends when its standard input does.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PERIOD_US = 500, WORTH_TELLING_US = 200 };

static int64_t read_us(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void *watch(void *unused) {
  int64_t due = read_us(CLOCK_BOOTTIME);
  for (;;) {
    due += PERIOD_US;
    struct timespec until = {due / 1000000, due % 1000000 * 1000};
    clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &until, NULL);
    int64_t now = read_us(CLOCK_BOOTTIME), real = read_us(CLOCK_REALTIME);
    if (now - due < WORTH_TELLING_US) continue;
    char line[128];
    int size = snprintf(line, sizeof line, "%lld %lld %lld %lld\n", (long long)due, (long long)now,
                        (long long)(real - (now - due)), (long long)real);
    if (write(STDOUT_FILENO, line, (size_t)size) < 0) return unused;
    due = now;
  }
}

static int start_on(int cpu) {
  pthread_attr_t attributes;
  pthread_t thread;
  cpu_set_t cpus;
  struct sched_param highest = {.sched_priority = sched_get_priority_max(SCHED_FIFO)};
  CPU_ZERO(&cpus);
  CPU_SET(cpu, &cpus);
  pthread_attr_init(&attributes);
  pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
  pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
  pthread_attr_setschedparam(&attributes, &highest);
  pthread_attr_setaffinity_np(&attributes, sizeof cpus, &cpus);
  return pthread_create(&thread, &attributes, watch, NULL);
}

int main(void) {
  cpu_set_t cpus;
  mlockall(MCL_CURRENT | MCL_FUTURE);
  sched_getaffinity(0, sizeof cpus, &cpus);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    int error = CPU_ISSET(cpu, &cpus) ? start_on(cpu) : 0;
    if (error != 0) {
      fprintf(stderr, "no thread of the highest class on CPU %d: %s\n", cpu, strerror(error));
      return 1;
    }
  }
  char scrap[64];
  while (read(STDIN_FILENO, scrap, sizeof scrap) > 0) continue;
  return 0;
}
