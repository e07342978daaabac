// SPDX-License-Identifier: Apache-2.0
/* The smallest useful plugin in C: it greets every client in the log and publishes an answer to each message below
 * "hello/".  Copy this folder to begin your own; isthmus_plugin.h says what else a plugin may do.
 * Build: cc -shared -fPIC -O2 -I../../../Sources/PluginAPI/include -o libHello.so hello.c */
#include "isthmus_plugin.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const isth_host *host;
  char greeting[64]; /* written in start only: hooks of several loops may read it without a lock */
} hello;

static isth_str str(const char *text) { return (isth_str){text, strlen(text)}; }

/* Writes "GREETING, NAME!" and returns it as a view of `text`. */
static isth_str greet(const hello *me, isth_str name, char *text, size_t size) {
  snprintf(text, size, "%s, %.*s!", me->greeting, (int)name.len, name.len ? name.ptr : "");
  return str(text);
}

static void connected(void *self, const isth_client *c) {
  const hello *me = self;
  char text[256];
  me->host->log(me->host->ctx, ISTH_LOG_INFO, greet(me, c->client_id, text, sizeof text));
}

static isth_result published(void *self, const isth_client *c, const isth_msg *m, isth_edit *e) {
  const hello *me = self;
  char topic[256], text[256];
  (void)c, (void)e;
  snprintf(topic, sizeof topic, "greeted/%.*s", (int)m->topic.len, m->topic.ptr);
  isth_str greeting = greet(me, m->publisher_id, text, sizeof text);
  isth_msg answer = {.size = sizeof answer, .origin = ISTH_ORIGIN_PLUGIN, .topic = str(topic)};
  answer.payload = (isth_bytes){(const uint8_t *)greeting.ptr, greeting.len};
  me->host->publish(me->host->ctx, &answer, ISTH_PUB_SKIP_HOOKS);
  return ISTH_NEXT;
}

static int32_t start(void *self, isth_hooks *hooks) {
  hello *me = self;
  isth_str json; /* a JSON string, with its quotes: "Hello" */
  if (me->host->config(me->host->ctx, ISTH_STR("config.greeting"), &json) != ISTH_OK || json.len < 2 ||
      json.len - 2 >= sizeof me->greeting || memchr(json.ptr, '\\', json.len)) {
    me->host->log(me->host->ctx, ISTH_LOG_ERROR,
                  ISTH_STR("config.greeting must be shorter than 64 bytes and have no backslash: choose another."));
    return ISTH_ERROR;
  }
  memcpy(me->greeting, json.ptr + 1, json.len - 2);
  hooks->size = sizeof *hooks;
  hooks->client_connected = connected;
  hooks->message_publish = published;
  return me->host->hook_filter(me->host->ctx, ISTH_STR("hello/#"));
}

static const isth_setting settings[] = {{.size = sizeof(isth_setting), .path = "config.greeting", .type = "string",
                                         .fallback = "Hello", .doc = "The word clients are greeted with."}};

ISTH_PLUGIN_STAMP

int32_t isth_plugin_open(const isth_host *host, isth_plugin *out) {
  hello *me = calloc(1, sizeof *me);
  if (!me) return ISTH_ERROR;
  me->host = host;
  *out = (isth_plugin){.size = sizeof *out, .abi = ISTH_ABI, .name = "Hello", .version = "0.1.0", .self = me};
  out->settings = settings;
  out->setting_count = sizeof settings / sizeof settings[0];
  out->start = start;
  out->close = free;
  return ISTH_OK;
}
