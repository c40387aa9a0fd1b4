/*
 * Linux sockets for Node: what every file of the addon shares. No protocol is known here but the framing of
 * netlink messages, which the writer thread needs to match answers.
 *
 * Calls that fail in ordinary life return -errno as a number. A JavaScript error is thrown only for an
 * argument of the wrong type, which is a bug of the caller.
 */
#ifndef VIPKEEPER_ADDON_H
#define VIPKEEPER_ADDON_H

#define NAPI_VERSION 8
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <uv.h>

/* Everything that lives in one JavaScript environment (the main thread or one worker). */
struct instance {
  napi_env env;
  uv_loop_t *loop;
  napi_async_cleanup_hook_handle hook;
  bool ending;
  struct handle *handles;
  /* Descriptors made here and not yet closed. A terminated worker closes them; see sockets_close_all(). */
  struct socket_entry *sockets;
  size_t socket_count, socket_capacity;
};

/*
 * A receiver, timer or writer: the first member of each. Two owners hold it, libuv (until the close callback)
 * and the JavaScript external (until collected); the last one to let go frees it.
 */
struct handle {
  struct instance *instance;
  struct handle *previous, *next;
  int references;
  bool ended;
  napi_ref callback;
  /* Starts the closing of the libuv handle. `at_once`: the environment goes away, wait for nothing. */
  void (*end)(struct handle *, bool at_once);
  /* Runs when libuv has let go: closes descriptors, frees what the kind allocated. */
  void (*release)(struct handle *);
};

struct bytes {
  uint8_t *data; /* NULL when the argument was undefined */
  size_t length;
};

/* Puts up to `count` arguments into argv; missing ones read as undefined. */
#define ARGUMENTS(count)                                                                                     \
  napi_value argv[count];                                                                                    \
  size_t argc = count;                                                                                       \
  napi_get_cb_info(env, info, &argc, argv, NULL, NULL)

/* Each returns false with a JavaScript TypeError pending when the argument is not of the type. */
bool get_int(napi_env env, napi_value value, int *out);
bool get_int64(napi_env env, napi_value value, int64_t *out);
bool get_bytes(napi_env env, napi_value value, struct bytes *out); /* Uint8Array or undefined */
bool get_handle(napi_env env, napi_value value, struct handle **out);
napi_value number(napi_env env, double value);
bool is_undefined(napi_env env, napi_value value);
void throw_errno(napi_env env, const char *call, int error);
struct instance *instance_of(napi_env env);

/* Links the handle into its instance and returns the external for JavaScript. */
napi_value handle_open(napi_env env, struct handle *handle, napi_value callback);
void handle_end(struct handle *handle, bool at_once);
/* To be called from the close callback of the libuv handle, once. */
void handle_closed(struct handle *handle);
/*
 * Calls back into JavaScript from libuv. What it throws becomes an uncaughtException; it never crosses libuv.
 */
void handle_call(struct handle *handle, size_t argc, const napi_value *argv);

int64_t boottime_us(void);
/* The descriptor will be closed by another owner. */
void sockets_forget(struct instance *instance, int fd);
void sockets_close_all(struct instance *instance);

bool export_functions(napi_env env, napi_value exports, const napi_property_descriptor *list, size_t count);
bool sockets_export(napi_env env, napi_value exports);
bool transfer_export(napi_env env, napi_value exports);
bool receive_export(napi_env env, napi_value exports);
bool timer_export(napi_env env, napi_value exports);
bool writer_export(napi_env env, napi_value exports);

#define FUNCTION(name, function) {name, NULL, function, NULL, NULL, NULL, napi_enumerable, NULL}

#endif
