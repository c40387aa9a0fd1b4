/* Clocks, an absolute CLOCK_BOOTTIME timer, and the scheduling class of the calling thread. */
#include "addon.h"
#include <sched.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct timer {
  struct handle base;
  uv_poll_t poll;
  int fd;
};

static int64_t clock_us(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t boottime_us(void) { return clock_us(CLOCK_BOOTTIME); }

static napi_value js_now(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, (double)boottime_us());
}

static napi_value js_monotonic(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, (double)clock_us(CLOCK_MONOTONIC));
}

static void on_expiry(uv_poll_t *poll, int status, int events) {
  struct timer *timer = poll->data;
  napi_env env = timer->base.instance->env;
  uint64_t expirations;
  napi_handle_scope scope;
  (void)events;
  /* EAGAIN: it was set anew after it expired in this same turn of the loop, so there is nothing to tell. */
  if (status < 0 || read(timer->fd, &expirations, sizeof expirations) != sizeof expirations) return;
  napi_open_handle_scope(env, &scope);
  handle_call(&timer->base, 0, NULL);
  napi_close_handle_scope(env, scope);
}

static void on_close(uv_handle_t *poll) { handle_closed(poll->data); }

static void timer_end(struct handle *handle, bool at_once) {
  struct timer *timer = (struct timer *)handle;
  (void)at_once;
  if (!uv_is_closing((uv_handle_t *)&timer->poll)) uv_close((uv_handle_t *)&timer->poll, on_close);
}

static void timer_release(struct handle *handle) { close(((struct timer *)handle)->fd); }

/* timer(onExpiry) → external, disarmed */
static napi_value js_timer(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  struct timer *timer = calloc(1, sizeof *timer);
  if (timer == NULL) abort();
  timer->fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  int failure = timer->fd < 0 ? -errno : uv_poll_init(instance_of(env)->loop, &timer->poll, timer->fd);
  if (failure != 0) {
    if (timer->fd >= 0) close(timer->fd);
    free(timer);
    throw_errno(env, "timerfd", -failure);
    return NULL;
  }
  timer->poll.data = timer;
  timer->base.end = timer_end;
  timer->base.release = timer_release;
  napi_value external = handle_open(env, &timer->base, argv[0]);
  uv_poll_start(&timer->poll, UV_READABLE, on_expiry);
  return external;
}

/* setTimer(timer, at): absolute µs; a negative instant disarms. */
static napi_value js_set_timer(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  struct handle *handle;
  int64_t at;
  if (!get_handle(env, argv[0], &handle) || !get_int64(env, argv[1], &at)) return NULL;
  struct itimerspec setting = {0};
  if (at >= 0) {
    setting.it_value.tv_sec = at / 1000000;
    setting.it_value.tv_nsec = at % 1000000 * 1000;
    if (at == 0) setting.it_value.tv_nsec = 1; /* all zero would disarm; the past expires at once */
  }
  if (!handle->ended) timerfd_settime(((struct timer *)handle)->fd, TFD_TIMER_ABSTIME, &setting, NULL);
  return NULL;
}

/* schedule(policy, priority) → 0 or -errno. Children and new threads start in the normal class. */
static napi_value js_schedule(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  int policy;
  struct sched_param parameter = {0};
  if (!get_int(env, argv[0], &policy) || !get_int(env, argv[1], &parameter.sched_priority)) return NULL;
  return number(env, sched_setscheduler(0, policy | SCHED_RESET_ON_FORK, &parameter) == 0 ? 0 : -errno);
}

static napi_value js_gettid(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, gettid());
}

bool timer_export(napi_env env, napi_value exports) {
  const napi_property_descriptor list[] = {
      FUNCTION("now", js_now),          FUNCTION("monotonic", js_monotonic), FUNCTION("timer", js_timer),
      FUNCTION("setTimer", js_set_timer), FUNCTION("schedule", js_schedule), FUNCTION("gettid", js_gettid),
  };
  return export_functions(env, exports, list, sizeof list / sizeof *list);
}
