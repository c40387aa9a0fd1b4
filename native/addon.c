/* Entry, per-environment data, the life of handles, and the reading of arguments. */
#include "addon.h"

static bool wrong(napi_env env, const char *expected) {
  napi_throw_type_error(env, NULL, expected);
  return false;
}

bool get_int(napi_env env, napi_value value, int *out) {
  return napi_get_value_int32(env, value, out) == napi_ok || wrong(env, "expected a number");
}

bool get_int64(napi_env env, napi_value value, int64_t *out) {
  return napi_get_value_int64(env, value, out) == napi_ok || wrong(env, "expected a number");
}

bool is_undefined(napi_env env, napi_value value) {
  napi_valuetype type;
  return napi_typeof(env, value, &type) == napi_ok && type == napi_undefined;
}

bool get_bytes(napi_env env, napi_value value, struct bytes *out) {
  *out = (struct bytes){NULL, 0};
  if (is_undefined(env, value)) return true;
  bool typed = false;
  napi_typedarray_type type;
  void *data = NULL;
  if (napi_is_typedarray(env, value, &typed) != napi_ok || !typed) return wrong(env, "expected a Uint8Array");
  if (napi_get_typedarray_info(env, value, &type, &out->length, &data, NULL, NULL) != napi_ok ||
      type != napi_uint8_array)
    return wrong(env, "expected a Uint8Array");
  static uint8_t nothing;
  out->data = data != NULL ? data : &nothing; /* an empty array has no store, but it is not undefined */
  return true;
}

bool get_handle(napi_env env, napi_value value, struct handle **out) {
  napi_valuetype type;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external)
    return wrong(env, "expected a handle");
  return napi_get_value_external(env, value, (void **)out) == napi_ok || wrong(env, "expected a handle");
}

napi_value number(napi_env env, double value) {
  napi_value result = NULL;
  napi_create_double(env, value, &result);
  return result;
}

void throw_errno(napi_env env, const char *call, int error) {
  char text[160];
  snprintf(text, sizeof text, "%s: %s (errno %d)", call, strerror(error), error);
  napi_throw_error(env, NULL, text);
}

struct instance *instance_of(napi_env env) {
  void *data = NULL;
  napi_get_instance_data(env, &data);
  return data;
}

bool export_functions(napi_env env, napi_value exports, const napi_property_descriptor *list, size_t count) {
  return napi_define_properties(env, exports, count, list) == napi_ok;
}

static void handle_drop(struct handle *handle) {
  if (--handle->references == 0) free(handle);
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  handle_drop(data);
}

napi_value handle_open(napi_env env, struct handle *handle, napi_value callback) {
  struct instance *instance = instance_of(env);
  napi_value external = NULL;
  handle->instance = instance;
  handle->references = 2;
  handle->next = instance->handles;
  if (instance->handles != NULL) instance->handles->previous = handle;
  instance->handles = handle;
  napi_create_reference(env, callback, 1, &handle->callback);
  napi_create_external(env, handle, on_collected, NULL, &external);
  return external;
}

void handle_end(struct handle *handle, bool at_once) {
  if (handle->ended && !at_once) return;
  handle->ended = true;
  handle->end(handle, at_once);
}

/* All handles of an ending environment have closed: now nothing polls the descriptors. */
static void instance_finish(struct instance *instance) {
  napi_async_cleanup_hook_handle hook = instance->hook;
  sockets_close_all(instance);
  free(instance);
  napi_remove_async_cleanup_hook(hook);
}

void handle_closed(struct handle *handle) {
  struct instance *instance = handle->instance;
  if (handle->previous != NULL) handle->previous->next = handle->next;
  else instance->handles = handle->next;
  if (handle->next != NULL) handle->next->previous = handle->previous;
  if (handle->release != NULL) handle->release(handle);
  napi_delete_reference(instance->env, handle->callback);
  handle_drop(handle);
  if (instance->ending && instance->handles == NULL) instance_finish(instance);
}

void handle_call(struct handle *handle, size_t argc, const napi_value *argv) {
  napi_env env = handle->instance->env;
  napi_value global, callback, result;
  bool pending = false;
  if (napi_get_global(env, &global) != napi_ok) return;
  if (napi_get_reference_value(env, handle->callback, &callback) != napi_ok) return;
  if (napi_make_callback(env, NULL, global, callback, argc, argv, &result) == napi_ok) return;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return; /* the environment is ending */
  napi_value error;
  if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
}

static void on_cleanup(napi_async_cleanup_hook_handle hook, void *data) {
  struct instance *instance = data;
  (void)hook;
  instance->ending = true;
  if (instance->handles == NULL) {
    instance_finish(instance);
    return;
  }
  for (struct handle *each = instance->handles; each != NULL; each = each->next) handle_end(each, true);
}

/* An exception of a per-datagram callback: reported as uncaughtException, the batch goes on. */
static napi_value fatal(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  napi_fatal_exception(env, argv[0]);
  return NULL;
}

NAPI_MODULE_INIT() {
  /* The TypeScript side builds sockaddr and the 64-bit cmsghdr by hand, little-endian. */
  const uint16_t one = 1;
  if (sizeof(void *) != 8 || *(const uint8_t *)&one != 1) {
    napi_throw_error(env, NULL, "only 64-bit little-endian Linux is supported");
    return NULL;
  }
  struct instance *instance = calloc(1, sizeof *instance);
  if (instance == NULL) abort();
  instance->env = env;
  napi_get_uv_event_loop(env, &instance->loop);
  napi_set_instance_data(env, instance, NULL, NULL);
  napi_add_async_cleanup_hook(env, on_cleanup, instance, &instance->hook);
  const napi_property_descriptor list[] = {FUNCTION("fatal", fatal)};
  if (!export_functions(env, exports, list, 1) || !sockets_export(env, exports) ||
      !transfer_export(env, exports) || !receive_export(env, exports) || !timer_export(env, exports) ||
      !writer_export(env, exports))
    napi_throw_error(env, NULL, "the addon cannot be set up");
  return exports;
}
