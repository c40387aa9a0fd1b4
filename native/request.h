/* A netlink request in the writer's hands, and the reading of the kernel's answers to it. */
#ifndef VIPKEEPER_REQUEST_H
#define VIPKEEPER_REQUEST_H

#include "addon.h"

struct request {
  struct request *next;
  double id;
  uint8_t *data; /* these three lie behind the struct, in one allocation */
  uint32_t *offsets;
  char *key;
  size_t length, offset_count;
  uint32_t answers;
  int64_t not_after, until; /* CLOCK_BOOTTIME µs, negative: none */
  /* The result. */
  int error;
  uint32_t seq;
  int64_t sent, done;
  char text[256];
};

/* A queue of requests. */
struct list {
  struct request *head, *tail;
  unsigned count;
};

void append(struct list *list, struct request *request);
/* @returns NULL when empty */
struct request *take(struct list *list);

/*
 * From the arguments (id, data, answers, key, notAfter, until, offsets).
 * @returns NULL with a JavaScript error pending
 */
struct request *request_from(napi_env env, const napi_value *argv);

/*
 * Big-endian u64 of the milliseconds left until `until`, at least 1, at every offset: the form of an nft
 * timeout.
 */
void write_remaining(struct request *request, int64_t now);

/*
 * Walks the NLMSG_ERROR messages of one datagram.
 * @returns how many answer the request; UINT32_MAX for a batch refused as a whole
 */
uint32_t answers_in(struct request *request, bool netfilter, const uint8_t *data, size_t length);

/* nlmsg_seq of the first message, 0 when there is none. */
uint32_t first_seq(const struct request *request);

#endif
