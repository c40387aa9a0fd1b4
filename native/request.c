/* Requests of the writer: copied from JavaScript, completed before sending, matched with what came back. */
#include "request.h"
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

static bool get_offsets(napi_env env, napi_value array, struct request *request) {
  for (uint32_t at = 0; at < request->offset_count; at++) {
    napi_value element;
    int offset;
    if (napi_get_element(env, array, at, &element) != napi_ok) return false;
    if (!get_int(env, element, &offset)) return false;
    if (offset < 0 || request->length < 8 || (size_t)offset > request->length - 8) {
      napi_throw_range_error(env, NULL, "an offset of `remaining` lies outside the request");
      return false;
    }
    request->offsets[at] = (uint32_t)offset;
  }
  return true;
}

struct request *request_from(napi_env env, const napi_value *argv) {
  double id;
  struct bytes data;
  uint32_t answers, offsets;
  size_t key;
  int64_t not_after, until;
  if (napi_get_value_double(env, argv[0], &id) != napi_ok || !get_bytes(env, argv[1], &data) ||
      data.data == NULL || napi_get_value_uint32(env, argv[2], &answers) != napi_ok ||
      napi_get_value_string_utf8(env, argv[3], NULL, 0, &key) != napi_ok ||
      !get_int64(env, argv[4], &not_after) || !get_int64(env, argv[5], &until) ||
      napi_get_array_length(env, argv[6], &offsets) != napi_ok) {
    bool pending = false;
    napi_is_exception_pending(env, &pending);
    if (!pending) napi_throw_type_error(env, NULL, "expected a write request");
    return NULL;
  }
  struct request *request = calloc(1, sizeof *request + offsets * sizeof(uint32_t) + data.length + key + 1);
  if (request == NULL) abort();
  *request = (struct request){.id = id, .length = data.length, .answers = answers, .offset_count = offsets};
  request->not_after = not_after;
  request->until = until;
  request->offsets = (uint32_t *)(request + 1);
  request->data = (uint8_t *)(request->offsets + offsets);
  request->key = (char *)request->data + data.length;
  memcpy(request->data, data.data, data.length);
  napi_get_value_string_utf8(env, argv[3], request->key, key + 1, &key);
  if (get_offsets(env, argv[6], request)) return request;
  free(request);
  return NULL;
}

void write_remaining(struct request *request, int64_t now) {
  int64_t left = (request->until - now) / 1000;
  uint64_t milliseconds = left < 1 ? 1 : (uint64_t)left;
  for (size_t at = 0; at < request->offset_count; at++)
    for (int octet = 0; octet < 8; octet++)
      request->data[request->offsets[at] + octet] = (uint8_t)(milliseconds >> (56 - 8 * octet));
}

/*
 * Copies the header at `at`; false where no whole message lies. Copies, because nothing promises alignment.
 */
static bool message_at(const uint8_t *data, size_t length, size_t at, struct nlmsghdr *header) {
  if (length < NLMSG_HDRLEN || at > length - NLMSG_HDRLEN) return false;
  memcpy(header, data + at, sizeof *header);
  return header->nlmsg_len >= NLMSG_HDRLEN && header->nlmsg_len <= length - at;
}

uint32_t first_seq(const struct request *request) {
  struct nlmsghdr header;
  return message_at(request->data, request->length, 0, &header) ? header.nlmsg_seq : 0;
}

static bool asked(const struct request *request, uint32_t seq) {
  struct nlmsghdr header;
  size_t at = 0;
  for (; message_at(request->data, request->length, at, &header); at += NLMSG_ALIGN(header.nlmsg_len))
    if (header.nlmsg_seq == seq) return true;
  return false;
}

/* NLMSGERR_ATTR_MSG behind struct nlmsgerr, which holds the whole refused message unless it was capped. */
static void read_text(struct request *request, const struct nlmsghdr *header, const uint8_t *message) {
  struct nlmsghdr refused;
  if ((header->nlmsg_flags & NLM_F_ACK_TLVS) == 0) return;
  memcpy(&refused, message + NLMSG_HDRLEN + sizeof(int), sizeof refused);
  size_t at = NLMSG_HDRLEN + sizeof(int);
  at += (header->nlmsg_flags & NLM_F_CAPPED) != 0 ? NLMSG_HDRLEN : NLMSG_ALIGN((size_t)refused.nlmsg_len);
  while (at + NLA_HDRLEN <= header->nlmsg_len) {
    struct nlattr attribute;
    memcpy(&attribute, message + at, sizeof attribute);
    if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > header->nlmsg_len - at) return;
    if ((attribute.nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG) {
      size_t size = attribute.nla_len - NLA_HDRLEN;
      size_t kept = size < sizeof request->text - 1 ? size : sizeof request->text - 1;
      memcpy(request->text, message + at + NLA_HDRLEN, kept);
      request->text[kept] = 0;
      return;
    }
    at += NLA_ALIGN(attribute.nla_len);
  }
}

/*
 * nfnetlink refuses a batch as a whole (no permission, unknown subsystem, failed commit) with one error for
 * its NFNL_MSG_BATCH_BEGIN: the answers of its messages may then never come.
 */
static bool refuses_batch(const struct request *request, bool netfilter, uint32_t seq) {
  struct nlmsghdr first;
  return netfilter && message_at(request->data, request->length, 0, &first) &&
         first.nlmsg_type == NFNL_MSG_BATCH_BEGIN && first.nlmsg_seq == seq;
}

uint32_t answers_in(struct request *request, bool netfilter, const uint8_t *data, size_t length) {
  struct nlmsghdr header;
  uint32_t count = 0;
  for (size_t at = 0; message_at(data, length, at, &header); at += NLMSG_ALIGN(header.nlmsg_len)) {
    int error;
    if (header.nlmsg_type != NLMSG_ERROR) continue;
    if (header.nlmsg_len < NLMSG_HDRLEN + sizeof(struct nlmsgerr)) continue;
    if (!asked(request, header.nlmsg_seq)) continue;
    memcpy(&error, data + at + NLMSG_HDRLEN, sizeof error);
    count++;
    if (error == 0) continue;
    if (request->error == 0) {
      request->error = -error;
      request->seq = header.nlmsg_seq;
      read_text(request, &header, data + at);
    }
    if (refuses_batch(request, netfilter, header.nlmsg_seq)) return UINT32_MAX;
  }
  return count;
}

void append(struct list *list, struct request *request) {
  request->next = NULL;
  if (list->tail != NULL) list->tail->next = request;
  else list->head = request;
  list->tail = request;
  list->count++;
}

struct request *take(struct list *list) {
  struct request *request = list->head;
  if (request == NULL) return NULL;
  list->head = request->next;
  if (list->head == NULL) list->tail = NULL;
  list->count--;
  return request;
}
