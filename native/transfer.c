/* Sending, from the calling thread and without ever waiting. */
#include "addon.h"
#include <sys/socket.h>

enum { FRAMES_PER_CALL = 64 };

/* send(fd, data, address?, control?, flags?) → octets or -errno */
static napi_value js_send(napi_env env, napi_callback_info info) {
  ARGUMENTS(5);
  int fd, flags = 0;
  struct bytes data, address, control;
  if (!get_int(env, argv[0], &fd) || !get_bytes(env, argv[1], &data) || !get_bytes(env, argv[2], &address) ||
      !get_bytes(env, argv[3], &control))
    return NULL;
  if (!is_undefined(env, argv[4]) && !get_int(env, argv[4], &flags)) return NULL;
  struct iovec vector = {data.data, data.length};
  struct msghdr message = {
      .msg_name = address.data,
      .msg_namelen = (socklen_t)address.length,
      .msg_iov = &vector,
      .msg_iovlen = 1,
      .msg_control = control.length > 0 ? control.data : NULL,
      .msg_controllen = control.length,
  };
  ssize_t sent = sendmsg(fd, &message, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
  return number(env, sent < 0 ? -errno : (double)sent);
}

/*
 * Sends frames [from, from + count) of the array.
 * @returns frames sent or -errno, INT32_MIN when one is no Uint8Array
 */
static int send_some(napi_env env, int fd, napi_value frames, uint32_t from, uint32_t count,
                     struct bytes address) {
  struct iovec vectors[FRAMES_PER_CALL];
  struct mmsghdr headers[FRAMES_PER_CALL];
  memset(headers, 0, sizeof headers);
  for (uint32_t at = 0; at < count; at++) {
    napi_value frame;
    struct bytes data;
    if (napi_get_element(env, frames, from + at, &frame) != napi_ok || !get_bytes(env, frame, &data))
      return INT32_MIN;
    vectors[at] = (struct iovec){data.data, data.length};
    headers[at].msg_hdr.msg_name = address.data;
    headers[at].msg_hdr.msg_namelen = (socklen_t)address.length;
    headers[at].msg_hdr.msg_iov = &vectors[at];
    headers[at].msg_hdr.msg_iovlen = 1;
  }
  int sent = sendmmsg(fd, headers, count, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent < 0 ? -errno : sent;
}

/* sendMany(fd, frames, address?) → frames sent or -errno of the first */
static napi_value js_send_many(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  int fd;
  uint32_t total, done = 0;
  struct bytes address;
  if (!get_int(env, argv[0], &fd) || !get_bytes(env, argv[2], &address)) return NULL;
  if (napi_get_array_length(env, argv[1], &total) != napi_ok) {
    napi_throw_type_error(env, NULL, "expected an array of frames");
    return NULL;
  }
  while (done < total) {
    napi_handle_scope scope;
    uint32_t count = total - done < FRAMES_PER_CALL ? total - done : FRAMES_PER_CALL;
    napi_open_handle_scope(env, &scope);
    int sent = send_some(env, fd, argv[1], done, count, address);
    napi_close_handle_scope(env, scope);
    if (sent == INT32_MIN) return NULL;
    if (sent < 0) return number(env, done > 0 ? (double)done : sent);
    done += (uint32_t)sent;
    if ((uint32_t)sent < count) break;
  }
  return number(env, done);
}

bool transfer_export(napi_env env, napi_value exports) {
  const napi_property_descriptor list[] = {FUNCTION("send", js_send), FUNCTION("sendMany", js_send_many)};
  return export_functions(env, exports, list, 2);
}
