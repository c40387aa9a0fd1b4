/*
 * Watching a socket with uv_poll and filling a slab with recvmmsg: no allocation for a datagram.
 *
 * The slab of n slots, in this order (src/kernel/slab-receiver.ts reads it):
 *   n × 4 u32      data length, address length, control length, flags
 *   n × 128        struct sockaddr_storage
 *   n × control    struct cmsghdr list
 *   n × data
 */
#include "addon.h"
#include <sys/socket.h>

enum { META_SIZE = 16, ADDRESS_SIZE = 128 };

struct receiver {
  struct handle base;
  uv_poll_t poll;
  int fd;
  unsigned slots;
  uint32_t *meta;
  size_t control_size;
  struct mmsghdr *headers;
  struct iovec *vectors;
  napi_ref slab;
};

/* The pending error of the socket, cleared by reading it. */
static int take_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  char scrap[1];
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
  /* A queued extended error (IP_RECVERR) alone keeps POLLERR up: discard it, or the loop would spin. */
  if (error == 0) recv(fd, scrap, sizeof scrap, MSG_ERRQUEUE | MSG_DONTWAIT);
  return error;
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  struct receiver *receiver = poll->data;
  napi_env env = receiver->base.instance->env;
  napi_handle_scope scope;
  int error = 0;
  (void)events;
  if (status < 0) {
    /*
     * libuv reports POLLERR (netlink overrun, link down) as UV_EBADF and stops the watcher. The socket lives.
     */
    error = take_error(receiver->fd);
    if (error != EBADF && error != ENOTSOCK) uv_poll_start(poll, UV_READABLE, on_poll);
  }
  napi_open_handle_scope(env, &scope);
  napi_value argument = number(env, error);
  handle_call(&receiver->base, 1, &argument);
  napi_close_handle_scope(env, scope);
}

static void on_close(uv_handle_t *poll) { handle_closed(poll->data); }

static void receiver_end(struct handle *handle, bool at_once) {
  struct receiver *receiver = (struct receiver *)handle;
  (void)at_once;
  /* uv_close takes the descriptor out of epoll at once, so the caller may close it right after. */
  if (!uv_is_closing((uv_handle_t *)&receiver->poll)) uv_close((uv_handle_t *)&receiver->poll, on_close);
}

static void receiver_release(struct handle *handle) {
  struct receiver *receiver = (struct receiver *)handle;
  napi_delete_reference(handle->instance->env, receiver->slab);
  free(receiver->headers);
  free(receiver->vectors);
}

static void lay_out(struct receiver *receiver, uint8_t *slab, size_t slot_size) {
  size_t slots = receiver->slots;
  uint8_t *addresses = slab + slots * META_SIZE;
  uint8_t *controls = addresses + slots * ADDRESS_SIZE;
  uint8_t *data = controls + slots * receiver->control_size;
  receiver->meta = (uint32_t *)slab;
  for (size_t at = 0; at < slots; at++) {
    struct msghdr *header = &receiver->headers[at].msg_hdr;
    receiver->vectors[at] = (struct iovec){data + at * slot_size, slot_size};
    header->msg_name = addresses + at * ADDRESS_SIZE;
    header->msg_iov = &receiver->vectors[at];
    header->msg_iovlen = 1;
    header->msg_control = controls + at * receiver->control_size;
  }
}

/* watch(fd, slab, slots, slotSize, controlSize, ready(errno)) → external */
static napi_value js_watch(napi_env env, napi_callback_info info) {
  ARGUMENTS(6);
  int fd, slots, slot_size, control_size;
  void *slab;
  size_t length;
  if (!get_int(env, argv[0], &fd) || !get_int(env, argv[2], &slots) || !get_int(env, argv[3], &slot_size) ||
      !get_int(env, argv[4], &control_size))
    return NULL;
  if (napi_get_arraybuffer_info(env, argv[1], &slab, &length) != napi_ok || slots < 1 || slot_size < 1 ||
      control_size < 0 || control_size % 8 != 0 ||
      length < (size_t)slots * (META_SIZE + ADDRESS_SIZE + (size_t)slot_size + (size_t)control_size)) {
    napi_throw_range_error(env, NULL, "the slab does not fit its sizes");
    return NULL;
  }
  struct receiver *receiver = calloc(1, sizeof *receiver);
  if (receiver == NULL) abort();
  int failure = uv_poll_init_socket(instance_of(env)->loop, &receiver->poll, fd);
  if (failure != 0) { /* no descriptor, not pollable, or watched already: the loop knows nothing of it */
    free(receiver);
    throw_errno(env, "uv_poll_init", -failure);
    return NULL;
  }
  receiver->poll.data = receiver;
  receiver->fd = fd;
  receiver->slots = (unsigned)slots;
  receiver->control_size = (size_t)control_size;
  receiver->headers = calloc((size_t)slots, sizeof *receiver->headers);
  receiver->vectors = calloc((size_t)slots, sizeof *receiver->vectors);
  if (receiver->headers == NULL || receiver->vectors == NULL) abort();
  receiver->base.end = receiver_end;
  receiver->base.release = receiver_release;
  lay_out(receiver, slab, (size_t)slot_size);
  napi_create_reference(env, argv[1], 1, &receiver->slab);
  napi_value external = handle_open(env, &receiver->base, argv[5]);
  uv_poll_start(&receiver->poll, UV_READABLE, on_poll);
  return external;
}

/* fill(receiver, most) → datagrams now in the slab, or -errno */
static napi_value js_fill(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  struct handle *handle;
  int most;
  if (!get_handle(env, argv[0], &handle) || !get_int(env, argv[1], &most)) return NULL;
  struct receiver *receiver = (struct receiver *)handle;
  if (handle->ended) return number(env, -EBADF);
  unsigned count = most < 1 ? 1 : (unsigned)most < receiver->slots ? (unsigned)most : receiver->slots;
  for (unsigned at = 0; at < count; at++) {
    receiver->headers[at].msg_hdr.msg_namelen = ADDRESS_SIZE;
    receiver->headers[at].msg_hdr.msg_controllen = receiver->control_size;
  }
  int got = recvmmsg(receiver->fd, receiver->headers, count, MSG_DONTWAIT, NULL);
  if (got < 0) return number(env, -errno);
  for (int at = 0; at < got; at++) {
    const struct mmsghdr *header = &receiver->headers[at];
    uint32_t address = header->msg_hdr.msg_namelen;
    uint32_t *meta = receiver->meta + at * 4;
    meta[0] = header->msg_len;
    meta[1] = address < ADDRESS_SIZE ? address : ADDRESS_SIZE;
    meta[2] = (uint32_t)header->msg_hdr.msg_controllen;
    meta[3] = (uint32_t)header->msg_hdr.msg_flags;
  }
  return number(env, got);
}

/* end(handle): stops a receiver or timer, closes a writer. */
static napi_value js_end(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  struct handle *handle;
  if (get_handle(env, argv[0], &handle)) handle_end(handle, false);
  return NULL;
}

bool receive_export(napi_env env, napi_value exports) {
  const napi_property_descriptor list[] = {FUNCTION("watch", js_watch), FUNCTION("fill", js_fill),
                                           FUNCTION("end", js_end)};
  return export_functions(env, exports, list, 3);
}
