/* Making, naming and configuring sockets. */
#include "addon.h"
#include <fcntl.h>
#include <linux/filter.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A descriptor may have been handed to net.Socket, closed there, and its number given to somebody else.
 * The inode tells: a socket keeps its own for life, so a number with another inode is not ours to close.
 */
struct socket_entry {
  int fd;
  ino_t inode;
};

static void sockets_remember(struct instance *instance, int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0) return;
  sockets_forget(instance, fd); /* a stale entry: the number was closed by its later owner */
  if (instance->socket_count == instance->socket_capacity) {
    size_t capacity = instance->socket_capacity * 2 + 8;
    struct socket_entry *grown = realloc(instance->sockets, capacity * sizeof *grown);
    if (grown == NULL) abort();
    instance->sockets = grown;
    instance->socket_capacity = capacity;
  }
  instance->sockets[instance->socket_count++] = (struct socket_entry){fd, status.st_ino};
}

void sockets_forget(struct instance *instance, int fd) {
  for (size_t at = 0; at < instance->socket_count; at++) {
    if (instance->sockets[at].fd != fd) continue;
    instance->sockets[at] = instance->sockets[--instance->socket_count];
    return;
  }
}

void sockets_close_all(struct instance *instance) {
  for (size_t at = 0; at < instance->socket_count; at++) {
    struct stat status;
    struct socket_entry *entry = &instance->sockets[at];
    if (fstat(entry->fd, &status) == 0 && S_ISSOCK(status.st_mode) && status.st_ino == entry->inode)
      close(entry->fd);
  }
  free(instance->sockets);
}

/* setns(2) moves the calling thread only, so the way back is the thread's own entry, not /proc/self. */
static int socket_in(const char *netns, int domain, int type, int protocol) {
  int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (home < 0) return -errno;
  int there = open(netns, O_RDONLY | O_CLOEXEC);
  int result = there < 0 ? -errno : 0;
  if (result == 0 && setns(there, CLONE_NEWNET) != 0) result = -errno;
  if (there >= 0) close(there);
  if (result == 0) {
    int fd = socket(domain, type, protocol);
    result = fd < 0 ? -errno : fd;
    if (setns(home, CLONE_NEWNET) != 0) abort(); /* a thread in the wrong namespace must not go on */
  }
  close(home);
  return result;
}

/* socket(domain, type, protocol, netns?): always non-blocking and close-on-exec. */
static napi_value js_socket(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  int domain, type, protocol, fd;
  if (!get_int(env, argv[0], &domain) || !get_int(env, argv[1], &type) || !get_int(env, argv[2], &protocol))
    return NULL;
  type |= SOCK_NONBLOCK | SOCK_CLOEXEC;
  if (is_undefined(env, argv[3])) {
    fd = socket(domain, type, protocol);
    if (fd < 0) fd = -errno;
  } else {
    char path[4096];
    size_t length;
    if (napi_get_value_string_utf8(env, argv[3], path, sizeof path, &length) != napi_ok) {
      napi_throw_type_error(env, NULL, "expected the path of a network namespace");
      return NULL;
    }
    fd = socket_in(path, domain, type, protocol);
  }
  if (fd >= 0) sockets_remember(instance_of(env), fd);
  return number(env, fd);
}

static napi_value js_close(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  int fd;
  if (!get_int(env, argv[0], &fd)) return NULL;
  sockets_forget(instance_of(env), fd);
  close(fd);
  return NULL;
}

/* duplicate(fd): one more descriptor of the same socket, for somebody who closes what he is given. */
static napi_value js_duplicate(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  int fd;
  if (!get_int(env, argv[0], &fd)) return NULL;
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return number(env, -errno);
  sockets_remember(instance_of(env), copy);
  return number(env, copy);
}

static napi_value js_bind(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  int fd;
  struct bytes address;
  if (!get_int(env, argv[0], &fd) || !get_bytes(env, argv[1], &address)) return NULL;
  return number(env, bind(fd, (struct sockaddr *)address.data, (socklen_t)address.length) == 0 ? 0 : -errno);
}

static napi_value js_connect(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  int fd;
  struct bytes address;
  if (!get_int(env, argv[0], &fd) || !get_bytes(env, argv[1], &address)) return NULL;
  const struct sockaddr *to = (const struct sockaddr *)address.data;
  return number(env, connect(fd, to, (socklen_t)address.length) == 0 ? 0 : -errno);
}

static napi_value copy_of(napi_env env, const void *data, size_t length) {
  napi_value buffer, array;
  void *store;
  if (napi_create_arraybuffer(env, length, &store, &buffer) != napi_ok) return NULL;
  if (length > 0) memcpy(store, data, length);
  return napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &array) == napi_ok ? array : NULL;
}

static napi_value js_getsockname(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  int fd;
  struct sockaddr_storage name;
  socklen_t length = sizeof name;
  if (!get_int(env, argv[0], &fd)) return NULL;
  if (getsockname(fd, (struct sockaddr *)&name, &length) == 0) return copy_of(env, &name, length);
  throw_errno(env, "getsockname", errno);
  return NULL;
}

static napi_value js_setsockopt(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  int fd, level, option, integer;
  struct bytes value = {(uint8_t *)&integer, sizeof integer};
  if (!get_int(env, argv[0], &fd) || !get_int(env, argv[1], &level) || !get_int(env, argv[2], &option))
    return NULL;
  bool plain = napi_get_value_int32(env, argv[3], &integer) == napi_ok;
  if (!plain && !get_bytes(env, argv[3], &value)) return NULL;
  return number(env, setsockopt(fd, level, option, value.data, (socklen_t)value.length) == 0 ? 0 : -errno);
}

static napi_value js_getsockopt(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  int fd, level, option, size;
  uint8_t value[4096];
  if (!get_int(env, argv[0], &fd) || !get_int(env, argv[1], &level) || !get_int(env, argv[2], &option) ||
      !get_int(env, argv[3], &size))
    return NULL;
  if (size < 0 || (size_t)size > sizeof value) return number(env, -EINVAL);
  socklen_t length = (socklen_t)size;
  if (getsockopt(fd, level, option, value, &length) != 0) return number(env, -errno);
  /* Some options report the full length even when less was copied. */
  return copy_of(env, value, length < (socklen_t)size ? length : (socklen_t)size);
}

/* The one option that takes a pointer inside its struct, and so needs a call of its own. */
static napi_value js_attach_filter(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  int fd;
  struct bytes program;
  struct sock_filter instructions[BPF_MAXINSNS];
  if (!get_int(env, argv[0], &fd) || !get_bytes(env, argv[1], &program)) return NULL;
  if (program.length % sizeof *instructions != 0 || program.length > sizeof instructions)
    return number(env, -EINVAL);
  if (program.length > 0) memcpy(instructions, program.data, program.length);
  struct sock_fprog filter = {(unsigned short)(program.length / sizeof *instructions), instructions};
  return number(env, setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0 ? 0 : -errno);
}

bool sockets_export(napi_env env, napi_value exports) {
  const napi_property_descriptor list[] = {
      FUNCTION("socket", js_socket),           FUNCTION("close", js_close),
      FUNCTION("bind", js_bind),               FUNCTION("connect", js_connect),
      FUNCTION("getsockname", js_getsockname), FUNCTION("setsockopt", js_setsockopt),
      FUNCTION("getsockopt", js_getsockopt),   FUNCTION("attachFilter", js_attach_filter),
      FUNCTION("duplicate", js_duplicate),
  };
  return export_functions(env, exports, list, sizeof list / sizeof *list);
}
