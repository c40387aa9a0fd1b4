/*
 * One thread that owns a netlink descriptor and sends requests in order. An RTM_NEWADDR or an nft batch can
 * wait hundreds of milliseconds for a kernel lock; a loop with deadlines posts it here and goes on.
 */
#include "request.h"
#include <linux/netlink.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

enum { QUEUE_LIMIT = 1024, STALE_LIMIT = 4096, ANSWER_SIZE = 65536, ANSWER_LIMIT_US = 2000000, POLL_MS = 50 };

struct writer {
  struct handle base;
  uv_async_t async;
  pthread_t thread;
  pthread_mutex_t mutex; /* guards queue, results, closing, finished */
  pthread_cond_t wake;
  struct list queue, results;
  bool closing, finished, joined;
  atomic_bool abandon; /* the environment ends: do not wait for an answer */
  bool netfilter;
  int fd;
  uint8_t answer[ANSWER_SIZE];
};

static void cancel(struct writer *writer, struct request *request) {
  request->error = ECANCELED;
  request->done = boottime_us();
  append(&writer->results, request);
}

/* An answer that came after its request had timed out must not be read as one of the next. */
static void drop_stale(int fd) {
  char scrap[1];
  for (int left = STALE_LIMIT; left > 0; left--)
    if (recv(fd, scrap, sizeof scrap, MSG_DONTWAIT) < 0 && errno != ENOBUFS && errno != EINTR) return;
}

/* @returns 0 after waiting for readability, or an errno; EAGAIN is never returned */
static int wait_readable(struct writer *writer, int64_t deadline) {
  struct pollfd pollfd = {writer->fd, POLLIN, 0};
  if (boottime_us() >= deadline) return ETIMEDOUT;
  if (atomic_load(&writer->abandon)) return ECANCELED;
  return poll(&pollfd, 1, POLL_MS) < 0 && errno != EINTR ? errno : 0;
}

static void fail(struct request *request, int error) {
  if (request->error != 0) return;
  request->error = error;
  request->seq = first_seq(request);
}

static void await_answers(struct writer *writer, struct request *request) {
  int64_t deadline = request->sent + ANSWER_LIMIT_US;
  bool overrun = false;
  for (uint32_t seen = 0; seen < request->answers;) {
    struct sockaddr_nl from = {0}; /* the address of another family is cut, its family is still told */
    socklen_t size = sizeof from;
    struct sockaddr *name = (struct sockaddr *)&from;
    ssize_t got = recvfrom(writer->fd, writer->answer, ANSWER_SIZE, MSG_DONTWAIT, name, &size);
    if (got >= 0) {
      /* Any process may send to a netlink port; only the kernel has port 0. */
      bool kernel = from.nl_family != AF_NETLINK || from.nl_pid == 0;
      uint32_t more = kernel ? answers_in(request, writer->netfilter, writer->answer, (size_t)got) : 0;
      if (more >= request->answers - seen) return;
      seen += more;
      if (more > 0 || boottime_us() < deadline) continue;
      fail(request, ETIMEDOUT);
      return;
    }
    int error = errno;
    if (error == ENOBUFS) { /* an answer was lost: read what is left, then say so */
      overrun = true;
      continue;
    }
    if (error == EAGAIN) error = overrun ? ENOBUFS : wait_readable(writer, deadline);
    if (error == 0 || error == EINTR) continue;
    fail(request, error);
    return;
  }
}

static void perform(struct writer *writer, struct request *request) {
  drop_stale(writer->fd);
  int64_t now = boottime_us();
  if (request->not_after >= 0 && now > request->not_after) {
    request->error = ECANCELED;
  } else {
    write_remaining(request, now);
    request->sent = now;
    ssize_t sent = send(writer->fd, request->data, request->length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) fail(request, errno);
    else await_answers(writer, request);
  }
  request->done = boottime_us();
}

static void *run(void *data) {
  struct writer *writer = data;
  pthread_mutex_lock(&writer->mutex);
  for (;;) {
    while (writer->queue.head == NULL && !writer->closing) pthread_cond_wait(&writer->wake, &writer->mutex);
    if (writer->closing) break;
    struct request *request = take(&writer->queue);
    pthread_mutex_unlock(&writer->mutex);
    perform(writer, request);
    pthread_mutex_lock(&writer->mutex);
    append(&writer->results, request);
    uv_async_send(&writer->async);
  }
  for (struct request *request; (request = take(&writer->queue)) != NULL;) cancel(writer, request);
  writer->finished = true;
  uv_async_send(&writer->async);
  pthread_mutex_unlock(&writer->mutex);
  return NULL;
}

static void on_close(uv_handle_t *async) { handle_closed(async->data); }

static void join(struct writer *writer) {
  if (writer->joined) return;
  writer->joined = true;
  pthread_join(writer->thread, NULL);
  uv_close((uv_handle_t *)&writer->async, on_close);
}

static void deliver(struct writer *writer, const struct request *request) {
  napi_env env = writer->base.instance->env;
  napi_handle_scope scope;
  napi_open_handle_scope(env, &scope);
  napi_value text = NULL;
  napi_create_string_utf8(env, request->text, NAPI_AUTO_LENGTH, &text);
  const napi_value arguments[] = {number(env, request->id),  number(env, request->error),
                                  number(env, request->seq), text,
                                  number(env, (double)request->sent), number(env, (double)request->done)};
  handle_call(&writer->base, 6, arguments);
  napi_close_handle_scope(env, scope);
}

static void on_results(uv_async_t *async) {
  struct writer *writer = async->data;
  pthread_mutex_lock(&writer->mutex);
  struct list results = writer->results;
  bool finished = writer->finished;
  writer->results = (struct list){NULL, NULL, 0};
  pthread_mutex_unlock(&writer->mutex);
  for (struct request *request; (request = take(&results)) != NULL; free(request)) deliver(writer, request);
  if (finished) join(writer);
}

static void writer_end(struct handle *handle, bool at_once) {
  struct writer *writer = (struct writer *)handle;
  if (at_once) atomic_store(&writer->abandon, true);
  pthread_mutex_lock(&writer->mutex);
  writer->closing = true;
  pthread_cond_signal(&writer->wake);
  pthread_mutex_unlock(&writer->mutex);
  if (at_once) join(writer);
}

static void writer_release(struct handle *handle) {
  struct writer *writer = (struct writer *)handle;
  for (struct request *request; (request = take(&writer->results)) != NULL;) free(request);
  pthread_cond_destroy(&writer->wake);
  pthread_mutex_destroy(&writer->mutex);
  close(writer->fd);
}

/*
 * The thread never inherits the real-time class of its maker: it is given one by schedule or it has none. No signal
 * is delivered to it. The mutex lends it the priority of a real-time poster that waits.
 */
static int start(struct writer *writer) {
  pthread_mutexattr_t mutex;
  pthread_attr_t thread;
  sigset_t all, before;
  const struct sched_param normal = {0};
  pthread_mutexattr_init(&mutex);
  pthread_mutexattr_setprotocol(&mutex, PTHREAD_PRIO_INHERIT);
  pthread_mutex_init(&writer->mutex, &mutex);
  pthread_mutexattr_destroy(&mutex);
  pthread_cond_init(&writer->wake, NULL);
  pthread_attr_init(&thread);
  pthread_attr_setinheritsched(&thread, PTHREAD_EXPLICIT_SCHED);
  pthread_attr_setschedpolicy(&thread, SCHED_OTHER);
  pthread_attr_setschedparam(&thread, &normal); /* else glibc takes the maker's, and refuses */
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&writer->thread, &thread, run, writer);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&thread);
  if (error == 0) pthread_setname_np(writer->thread, "netlink-writer");
  return error;
}

/* openWriter(fd, onResult(id, errno, seq, text, sentAt, doneAt)) → external */
static napi_value js_open(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  int fd, protocol = 0;
  socklen_t length = sizeof protocol;
  if (!get_int(env, argv[0], &fd)) return NULL;
  if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) != 0) {
    throw_errno(env, "writer", errno);
    return NULL;
  }
  struct writer *writer = calloc(1, sizeof *writer);
  if (writer == NULL) abort();
  writer->fd = fd;
  writer->netfilter = protocol == NETLINK_NETFILTER;
  writer->base.end = writer_end;
  writer->base.release = writer_release;
  int error = -uv_async_init(instance_of(env)->loop, &writer->async, on_results);
  if (error == 0) {
    writer->async.data = writer;
    sockets_forget(instance_of(env), fd);
    napi_value external = handle_open(env, &writer->base, argv[1]);
    error = start(writer);
    if (error == 0) return external;
    writer->base.ended = writer->joined = true;
    uv_close((uv_handle_t *)&writer->async, on_close);
  } else {
    free(writer);
  }
  throw_errno(env, "writer", error);
  return NULL;
}

/* A request with the key of a queued one takes its place in the queue. @returns whether there was one */
static bool replace(struct writer *writer, struct request *request) {
  if (request->key[0] == 0) return false;
  for (struct request **link = &writer->queue.head, *old; (old = *link) != NULL; link = &old->next) {
    if (strcmp(old->key, request->key) != 0) continue;
    request->next = old->next;
    *link = request;
    if (writer->queue.tail == old) writer->queue.tail = request;
    cancel(writer, old);
    uv_async_send(&writer->async);
    return true;
  }
  return false;
}

/* post(writer, id, data, answers, key, notAfter, until, offsets) → 0 or -errno */
static napi_value js_post(napi_env env, napi_callback_info info) {
  ARGUMENTS(8);
  struct handle *handle;
  int result = 0;
  if (!get_handle(env, argv[0], &handle)) return NULL;
  if (handle->ended) return number(env, -EBADF);
  struct writer *writer = (struct writer *)handle;
  struct request *request = request_from(env, argv + 1);
  if (request == NULL) return NULL;
  pthread_mutex_lock(&writer->mutex);
  if (!replace(writer, request)) {
    if (writer->queue.count < QUEUE_LIMIT) append(&writer->queue, request);
    else result = -EAGAIN;
  }
  pthread_cond_signal(&writer->wake);
  pthread_mutex_unlock(&writer->mutex);
  if (result != 0) free(request);
  return number(env, result);
}

/* scheduleWriter(writer, policy, priority) → 0 or -errno; what the thread starts is in the normal class */
static napi_value js_schedule_writer(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  struct handle *handle;
  int policy;
  struct sched_param parameter = {0};
  if (!get_handle(env, argv[0], &handle) || !get_int(env, argv[1], &policy) ||
      !get_int(env, argv[2], &parameter.sched_priority))
    return NULL;
  if (handle->ended) return number(env, -EBADF);
  return number(env, -pthread_setschedparam(((struct writer *)handle)->thread, policy, &parameter));
}

bool writer_export(napi_env env, napi_value exports) {
  const napi_property_descriptor list[] = {FUNCTION("openWriter", js_open), FUNCTION("post", js_post),
                                           FUNCTION("scheduleWriter", js_schedule_writer)};
  return export_functions(env, exports, list, 3);
}
