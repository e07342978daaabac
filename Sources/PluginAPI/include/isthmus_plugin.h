// SPDX-License-Identifier: Apache-2.0
/* isthmus_plugin.h - the contract between the Isthmus host and its plugins.  ABI 1.0
 *
 * A plugin is one shared library that exports two C symbols and links nothing of the host:
 *     uint32_t isth_plugin_abi(void);                               the ABI it was compiled for: write ISTH_PLUGIN_STAMP
 *     int32_t  isth_plugin_open(const isth_host *host, isth_plugin *out);                      ISTH_OK or an error code
 * Everything the plugin may call comes through `host`.  One file may be opened several times, once for each entry of
 * the config's `plugins` list that names it, each time with its own `host`, `ctx` and `self`.
 *
 * VERSIONS   The major number must match; the host's minor must be at least the plugin's.  A released struct never
 *            changes size: additions come as new tables fetched by name ("name/2").  Every struct *tag* ends in _vN
 *            (two images that disagree about the size of one tag crash the Swift runtime, which unifies imported C
 *            types by tag); the typedef names the newest.  `size` is the first field: whoever fills a struct sets it.
 * MEMORY     Views (isth_str, isth_bytes, isth_client, isth_msg, ...) are borrowed.  OWNERSHIP: the caller's.
 *            VALID UNTIL: the call returns, in both directions.  They are not NUL-terminated and must not be written.
 *            Whoever wants to keep one copies it, or calls msg_retain().  No malloc/free crosses the boundary.
 *            An absent string is empty (len 0, ptr may be NULL); where absent and empty differ a flag tells.
 * TEXT       What the host hands over is well-formed UTF-8.  What a plugin publishes is checked as a client's PUBLISH
 *            would be, but for the limits of mqtt.*, which are for clients; log lines are shown with what is not text
 *            replaced.
 * HANDLES    isth_id is opaque, 0 = none.  A stale one is answered ISTH_E_GONE, never followed.
 * THREADS    A client's hooks run on the event loop that owns the client: calls for one client never overlap and keep
 *            their order, calls for different clients may overlap (unless ISTH_F_SERIAL).  Hooks must not block: use
 *            run_blocking() and answer later.  Host functions may be called from any thread unless marked [loop].
 * FAILURE    A hook that answers ISTH_ERROR, or LATER without an answer before the deadline (10 s), counts as DENY for
 *            authenticate, auth_step, authorize and subscribe, and as NEXT elsewhere.
 * TRUST      Plugins run inside the broker's process: one that crashes takes the broker down with it. */
#ifndef ISTHMUS_PLUGIN_H
#define ISTHMUS_PLUGIN_H
#include <stddef.h>
#include <stdint.h>
#if defined(__clang__)
#pragma clang assume_nonnull begin
#define ISTH_NULLABLE _Nullable
#define ISTH_NONNULL _Nonnull
#else
#define ISTH_NULLABLE
#define ISTH_NONNULL
#endif
#ifdef __cplusplus
extern "C" {
#endif

#define ISTH_ABI_MAJOR 1u
#define ISTH_ABI_MINOR 0u
#define ISTH_ABI (ISTH_ABI_MAJOR << 16 | ISTH_ABI_MINOR)
#define ISTH_EXPORT __attribute__((visibility("default"))) __attribute__((used))
#define ISTH_PLUGIN_STAMP ISTH_EXPORT uint32_t isth_plugin_abi(void) { return ISTH_ABI; }

typedef uint64_t isth_id;
typedef struct isth_str_v1 { const char *ISTH_NULLABLE ptr; size_t len; } isth_str;        /* UTF-8, see TEXT        */
typedef struct isth_bytes_v1 { const uint8_t *ISTH_NULLABLE ptr; size_t len; } isth_bytes; /* any bytes              */
typedef struct isth_pair_v1 { isth_str name, value; } isth_pair;                           /* MQTT 5 user property   */
#define ISTH_STR(literal) ((isth_str){(literal), sizeof(literal) - 1})

/* What a hook answers.  A chain asks its plugins in the config's order until one says something other than NEXT. */
typedef int32_t isth_result;
enum {
  ISTH_NEXT = 0,       /* no opinion: ask the next plugin; the end of the chain is the host's default                 */
  ISTH_ALLOW = 1,      /* yes, stop the chain                                                                         */
  ISTH_DENY = 2,       /* no, stop the chain (message_publish: drop it; message_deliver: skip this receiver)          */
  ISTH_LATER = 3,      /* answer(ticket, ...) has been or will be called exactly once, from any thread                */
  ISTH_CONSUMED = 4,   /* message_publish only: I took the message; acknowledge it, route it nowhere                  */
  ISTH_DISCONNECT = 5, /* message_publish only: close this client with the reason code set by edit_reason             */
  ISTH_ALLOW_NAMED = 6,/* client_authorize only: yes, by a rule that names this very topic; below $LINK/ the only yes */
  ISTH_ERROR = -1
};
enum {                 /* what a host function answers                                                                */
  ISTH_OK = 0,
  ISTH_E_GONE = -2,        /* the handle, ticket or client is no more                                                 */
  ISTH_E_ARG = -3,         /* an argument is not valid: the host's log says which                                     */
  ISTH_E_LIMIT = -4,       /* full: try again later                                                                   */
  ISTH_E_UNSUPPORTED = -5, /* this host or this moment does not offer it                                              */
  ISTH_E_STATE = -6,       /* not now (for example: not connected)                                                    */
  ISTH_E_NOT_FOUND = -7    /* no such config key, client or name                                                      */
};
enum { ISTH_LOG_DEBUG = 0, ISTH_LOG_INFO = 1, ISTH_LOG_NOTICE = 2, ISTH_LOG_WARNING = 3, ISTH_LOG_ERROR = 4 };
enum {                 /* phase of client_auth_step                                                                   */
  ISTH_AUTH_START = 1,    /* CONNECT named the method                                                                 */
  ISTH_AUTH_CONTINUE = 2, /* AUTH 0x18, the client's answer to your data                                              */
  ISTH_AUTH_REAUTH = 3    /* AUTH 0x19 from a connected client, which goes on publishing meanwhile                    */
};
enum { ISTH_ACCESS_PUBLISH = 1, ISTH_ACCESS_SUBSCRIBE = 2 };
enum {                 /* where a message came from                                                                   */
  ISTH_ORIGIN_CLIENT = 1, ISTH_ORIGIN_WILL = 2, ISTH_ORIGIN_PLUGIN = 3, ISTH_ORIGIN_LINK = 4, ISTH_ORIGIN_SYS = 5
};
enum { ISTH_TCP = 0, ISTH_TLS = 1, ISTH_WS = 2, ISTH_WSS = 3, ISTH_UNIX = 4 };

/* ---- what a hook is shown ------------------------------------------------------------------------------------- */
enum {                 /* isth_client.flags                                                                           */
  ISTH_CLIENT_HAS_USERNAME = 1u, ISTH_CLIENT_HAS_PASSWORD = 2u, ISTH_CLIENT_CLEAN_START = 4u,
  ISTH_CLIENT_SUPERUSER = 8u, ISTH_CLIENT_IS_BRIDGE = 16u, ISTH_CLIENT_ASSIGNED_ID = 32u
};
typedef struct isth_client_v1 { /* a connection; borrowed view                                                        */
  uint32_t size, loop;          /* loop = index of the event loop that owns it                                        */
  isth_id  conn;                /* this connection, unique while the process lives                                    */
  isth_str client_id, username; /* username: see ISTH_CLIENT_HAS_USERNAME                                             */
  isth_str listener;            /* "tcp:default"                                                                      */
  isth_str peer_addr;           /* "10.0.0.7" or "2001:db8::1"                                                        */
  isth_str tls_common_name;     /* of a verified client certificate, else empty                                       */
  uint16_t peer_port; uint8_t protocol /* 3, 4, 5 */, transport /* ISTH_TCP ... */; uint32_t flags;
  uint32_t keepalive_s, session_expiry_s;
  void *ISTH_NULLABLE *ISTH_NULLABLE slot; /* one pointer for each (plugin, connection), yours: free it in client_closed */
  uint64_t reserved[4];
} isth_client;

enum {                 /* isth_msg.flags                                                                              */
  ISTH_MSG_RETAIN = 1u, ISTH_MSG_DUP = 2u, ISTH_MSG_HAS_CONTENT_TYPE = 4u, ISTH_MSG_HAS_RESPONSE_TOPIC = 8u,
  ISTH_MSG_HAS_CORRELATION = 16u, ISTH_MSG_HAS_PAYLOAD_FORMAT = 32u, ISTH_MSG_HAS_EXPIRY = 64u,
  ISTH_MSG_HAS_USERNAME = 128u
};
typedef struct isth_msg_v1 {    /* an application message; borrowed view, or a reference taken with msg_retain        */
  uint32_t size, flags;
  uint8_t  qos, origin /* ISTH_ORIGIN_* */, payload_format, publisher_protocol; uint32_t expiry_s;
  uint64_t received_ms;         /* wall clock, ms since 1970, when the first broker took it                           */
  isth_str topic; isth_bytes payload;
  isth_str content_type, response_topic; isth_bytes correlation;
  const isth_pair *ISTH_NULLABLE user_properties; size_t user_property_count; /* in the publisher's order             */
  isth_str publisher_id, publisher_username, publisher_addr; uint16_t publisher_port; uint16_t reserved0[3];
  isth_id  origin_id;           /* the destination (route/1) it must not go back to, 0 = none                         */
  uint64_t reserved[4];
} isth_msg;

typedef struct isth_sub_v1 {    /* one subscription of a SUBSCRIBE packet                                             */
  uint32_t size; uint8_t qos, no_local, retain_as_published, retain_handling;
  uint32_t subscription_id /* 0 = none */, reserved0;
  isth_str filter;              /* without the $share/GROUP/ prefix                                                   */
  isth_str share_group;         /* empty = not shared                                                                 */
  uint64_t reserved[2];
} isth_sub;

typedef struct isth_decision_v1 { /* argument of answer(); the host copies it                                         */
  uint32_t size; isth_result result;
  uint8_t  reason_code;         /* MQTT 5 reason code, 0 = the default for `result`                                   */
  uint8_t  superuser;           /* authenticate: skip authorisation for this client                                   */
  uint8_t  auth_continue;       /* auth_step, with ALLOW: not done, send AUTH 0x18 with auth_data and await the next  */
  uint8_t  reserved0;
  uint32_t valid_s;             /* authorize: how long the host may remember this answer, 0 = the host's default      */
  isth_str username;            /* authenticate, auth_step: replaces the client's, empty = keep                       */
  isth_str reason;              /* why not: for the log, and but for authorize the client's reason string             */
  isth_bytes auth_data;         /* auth_step: authentication data of the AUTH or CONNACK, at most 65,535 bytes        */
  isth_str server_reference;    /* authenticate, auth_step: where to go, with DENY and reason code 0x9C or 0x9D       */
  uint64_t reserved[2];
} isth_decision;

typedef struct isth_edit isth_edit; /* opaque: edits of the item the hook is looking at.  VALID UNTIL: the hook returns */

/* ---- hooks: one table for each opened plugin; NULL = not interested, which costs nothing ----------------------- */
/* Every hook: on the client's loop; must not block; may call any host function.  All exist since ABI 1.0.          */
#define ISTH_SELF void *ISTH_NULLABLE self
#define ISTH_CL ISTH_SELF, const isth_client *c
enum { ISTH_F_SERIAL = 1u /* never call my hooks on two threads at once: the host takes a lock around each call, one for
                               all plugins that ask for this, which so may publish to each other from their hooks     */ };
typedef struct isth_hooks_v1 {
  uint32_t size, flags;
  /* CONNECT arrived, before authentication.  DENY refuses it (0x87).  LATER is not allowed.                          */
  isth_result (*ISTH_NULLABLE client_connect)(ISTH_CL, isth_edit *e);
  /* User name and password; not asked for a client that names an authentication method, nor for listeners with
   * enable_authn = false.  ALLOW in, DENY out (0x86); end of chain: out (0x86, without a password 0x87), if any plugin
   * has this hook or client_auth_step, else only clients of this machine's loopback addresses, and of listeners that
   * require a certificate, are let in.  The names may be a certificate's.  LATER: answer(ticket).                    */
  isth_result (*ISTH_NULLABLE client_authenticate)(ISTH_CL, isth_id ticket, isth_bytes password);
  /* One step of an MQTT 5 enhanced authentication.  START goes along the chain: NEXT = not my method; its end: out,
   * 0x8C.  The plugin that takes it is asked every further step of that connection, and no other; NEXT is a no then.
   * ALLOW: done, without data.  DENY: out, 0x87 or reason_code.  LATER: answer(ticket), also with ALLOW and
   * auth_continue = 1: auth_data goes out, CONTINUE comes with the client's answer; or with ALLOW and auth_data: done.
   * What you keep between the steps hangs in c->slot; client_closed comes also if the client leaves half way.  A START
   * has mqtt.idle_timeout for all its steps.  REAUTH: ALLOW answers AUTH 0x00, DENY closes the client (0x87); no
   * more than one exchange runs at a time, and until it ends the client remains who it was.                          */
  isth_result (*ISTH_NULLABLE client_auth_step)(ISTH_CL, isth_id ticket, int32_t phase, isth_str method, isth_bytes data);
  /* May this client publish to / subscribe to `topic` (access ISTH_ACCESS_*)?  Also asked for a will, at CONNECT.
   * Shared subscriptions are asked without their prefix.  End of chain: allowed.  LATER: answer(ticket).
   * Topics below $LINK/ carry what other brokers send: there ALLOW counts as NEXT, and the end of the chain is a no,
   * also if no plugin has this hook; ALLOW_NAMED is for what was meant to open them, such as a rule that names them.
   * The host may remember an ALLOW or DENY for the same connection, access, topic, qos and retain.                   */
  isth_result (*ISTH_NULLABLE client_authorize)(ISTH_CL, isth_id ticket, int32_t access, isth_str topic, uint8_t qos, uint8_t retain);
  void (*ISTH_NULLABLE client_connected)(ISTH_CL);
  /* The last call for a connection, also for a refused one; its will has been published or dropped before.           */
  void (*ISTH_NULLABLE client_closed)(ISTH_CL, uint8_t reason_code, isth_str reason);
  void (*ISTH_NULLABLE session_created)(ISTH_CL);
  void (*ISTH_NULLABLE session_resumed)(ISTH_CL);
  void (*ISTH_NULLABLE session_terminated)(ISTH_SELF, isth_str client_id, uint8_t reason_code);
  /* One subscription asked for, before authorisation.  DENY: SUBACK 0x87.  edit_filter/edit_qos change it.           */
  isth_result (*ISTH_NULLABLE client_subscribe)(ISTH_CL, const isth_sub *s, isth_edit *e);
  void (*ISTH_NULLABLE client_subscribed)(ISTH_CL, const isth_sub *s);
  void (*ISTH_NULLABLE client_unsubscribed)(ISTH_CL, isth_str filter, isth_str share_group);
  /* A message is about to be routed, after authorisation.  ALLOW: no further plugin, route it.  DENY: acknowledge and
   * drop.  CONSUMED, DISCONNECT: see isth_result.  An edited topic is checked and authorised again.
   * c is NULL for messages no client published.  With filters set by hook_filter, only matching topics are shown.    */
  isth_result (*ISTH_NULLABLE message_publish)(ISTH_SELF, const isth_client *ISTH_NULLABLE c, const isth_msg *m, isth_edit *e);
  /* About to be queued for one receiver.  DENY skips it.                                                             */
  isth_result (*ISTH_NULLABLE message_deliver)(ISTH_CL, const isth_msg *m);
  void (*ISTH_NULLABLE message_acked)(ISTH_CL, const isth_msg *m, uint8_t reason_code);
  /* c = the receiver that lost it, NULL if nobody subscribes.                                                        */
  void (*ISTH_NULLABLE message_dropped)(ISTH_SELF, const isth_client *ISTH_NULLABLE c, const isth_msg *m, uint8_t reason_code);
  /* First and last local subscriber of (filter, group) on this broker; external destinations do not count.  Loop 0
   * only, at the end of the turn that made the change, in the order of the changes.  routes_each() gives the state these
   * calls continue; what it shows already may be said once more: (filter, group) is a member of a set, not a count.  */
  void (*ISTH_NULLABLE route_added)(ISTH_SELF, isth_str filter, isth_str share_group);
  void (*ISTH_NULLABLE route_removed)(ISTH_SELF, isth_str filter, isth_str share_group);
  /* Why client_authorize answers DENY to this: asked only if a line of the log is about to say so, at once, so that no
   * verdict has to carry its reason.  Call say(ud, why) once, with file and line if it is a rule's doing.  The client is
   * not told.                                                                                                         */
  void (*ISTH_NULLABLE explain_authorize)(ISTH_CL, int32_t access, isth_str topic, uint8_t qos, uint8_t retain, void (*say)(void *ISTH_NULLABLE ud, isth_str why), void *ISTH_NULLABLE ud);
  void (*ISTH_NULLABLE reserved[7])(void);
} isth_hooks;

/* ---- what a plugin tells of itself ------------------------------------------------------------------------------ */
/* One config key the plugin reads.  The host checks the file against these (unknown keys and wrong types are start
 * errors with file:line:column and the nearest key), fills in defaults and hands values over as JSON: durations in
 * ms, sizes in bytes.  `path`: from the config's root, "[]" for each array element: "cluster.links[].server"; options
 * of this plugin's own block start with "config.".  The roots named here are owned by this plugin.                    */
typedef struct isth_setting_v1 {
  uint32_t size, flags /* ISTH_SETTING_* */;
  const char *ISTH_NULLABLE path;
  const char *ISTH_NULLABLE type; /* string bool int float duration bytesize percent any, string[] int[] any[] object
                                     object[] string? (= may be absent) or enum(a,b,c)                                */
  const char *ISTH_NULLABLE fallback; /* HOCON text of the default; NULL: required, or absent for a `?` type          */
  const char *ISTH_NULLABLE doc;      /* one sentence                                                                 */
} isth_setting;
enum { ISTH_SETTING_SECRET = 1u /* never logged or shown */, ISTH_SETTING_RELOADABLE = 2u };

enum { ISTH_GUARDS = 1u /* authentication or authorisation: if I cannot start, the broker must not start */ };
typedef struct isth_plugin_v1 { /* filled in by isth_plugin_open; the host owns the struct, the plugin what it points to.
                                   VALID UNTIL: close() returned                                                      */
  uint32_t size, abi;
  const char *ISTH_NULLABLE name, *ISTH_NULLABLE version; /* required; NUL-terminated                                 */
  void *ISTH_NULLABLE self;                               /* passed back as `self`                                    */
  uint32_t flags, setting_count;                          /* ISTH_GUARDS                                              */
  const isth_setting *ISTH_NULLABLE settings;
  /* The config is checked: read it, open files, fill *hooks (zeroed by the host; the functions must stay valid until
   * close).  Not ISTH_OK: the plugin is refused; log why first.  Main thread, before any loop runs.                   */
  int32_t (*ISTH_NULLABLE start)(ISTH_SELF, isth_hooks *hooks);
  /* Loop 0, all plugins have started and services are up, listeners not yet open.  Not ISTH_OK: no hook of the plugin
   * is called any more, nor reload or drain; undo first what you have begun (timers, subscriptions).                 */
  int32_t (*ISTH_NULLABLE ready)(ISTH_SELF);
  /* The config is about to change: config() shows the new one.  Not ISTH_OK: the plugin keeps its old settings in
   * force, and config() shows it the old ones again.                                                                 */
  int32_t (*ISTH_NULLABLE reload)(ISTH_SELF);
  /* The broker stops: finish what is under way; no hook is called after this.  Loop 0.                               */
  void (*ISTH_NULLABLE drain)(ISTH_SELF);
  /* Last call; no thread of the plugin may run after it.  The image stays mapped.                                    */
  void (*ISTH_NULLABLE close)(ISTH_SELF);
  uint64_t reserved[4];
} isth_plugin;

/* ---- what the host offers to every plugin ---------------------------------------------------------------------- */
typedef struct isth_ctx isth_ctx; /* this opened plugin, as the host knows it: first argument of every function       */
typedef void (*isth_task)(void *ISTH_NULLABLE ud);
enum {                            /* flags of publish()                                                               */
  ISTH_PUB_SKIP_HOOKS = 1u,       /* no publish hooks                                                                 */
  ISTH_PUB_LOCAL_ONLY = 2u,       /* not to any external destination                                                  */
  ISTH_PUB_NO_RETAIN = 4u         /* do not store it, whatever its retain flag                                        */
};
enum { ISTH_SUB_NO_RETAINED = 1u /* subscribe(): only what is published from now on */ };
#define ISTH_ANY_LOOP 0xffffffffu

typedef struct isth_host_v1 {
  uint32_t size, abi;
  isth_ctx *ctx;
  const char *version;            /* of the host, NUL-terminated                                                      */
  uint32_t loop_count, reserved0;
  void (*log)(isth_ctx *, int32_t level, isth_str text);
  int32_t (*log_enabled)(isth_ctx *, int32_t level);
  /* JSON text of a checked config value: "cluster.links[0].server", "config.greeting", "cluster.name" (all of the
   * config may be read).  ISTH_E_NOT_FOUND if absent.  `json` VALID UNTIL: reload returns.                           */
  int32_t (*config)(isth_ctx *, isth_str path, isth_str *json);
  /* Where that value was written: "etc/isthmus.conf:12:7", or "default".  Same validity.                              */
  int32_t (*config_origin)(isth_ctx *, isth_str path, isth_str *origin);
  /* The verdict of a ticket.  ISTH_E_GONE: answered before, past its deadline, or its client left.                   */
  int32_t (*answer)(isth_ctx *, isth_id ticket, const isth_decision *);
  /* [loop] edits, only inside the hook that was given `e`; each copies what it is given.                              */
  int32_t (*edit_topic)(isth_edit *, isth_str);
  int32_t (*edit_payload)(isth_edit *, isth_bytes);
  int32_t (*edit_qos)(isth_edit *, uint8_t qos);
  int32_t (*edit_retain)(isth_edit *, uint8_t retain);
  int32_t (*edit_filter)(isth_edit *, isth_str);
  int32_t (*edit_reason)(isth_edit *, uint8_t reason_code);  /* of the PUBACK/PUBREC, or of the DISCONNECT              */
  /* A reference to a message seen in a hook or delivery, good on any thread until released.                           */
  const isth_msg *ISTH_NONNULL (*ISTH_NONNULL msg_retain)(isth_ctx *, const isth_msg *);
  void (*msg_release)(isth_ctx *, const isth_msg *);
  /* Publish; on a loop's thread it is routed before the call returns, else soon after, in order.  The result is
   * ISTH_OK, or on a loop's thread ISTH_E_NOT_FOUND when nobody wanted it.                                            */
  int32_t (*publish)(isth_ctx *, const isth_msg *, uint32_t flags /* ISTH_PUB_* */);
  /* Messages for the plugin itself, each once, with the QoS they were published with, the plugin's own, too: `on` runs on
   * `loop`.  Retained messages that are there come by themselves, on loop 0 within this call, on other loops soon, with
   * new messages between them.  ISTH_E_ARG: no topic filter, or one with a prefix such as $share/, which is for clients. */
  int32_t (*subscribe)(isth_ctx *, uint32_t loop, isth_str filter, uint32_t flags /* ISTH_SUB_* */, void (*on)(void *ISTH_NULLABLE ud, const isth_msg *), void *ISTH_NULLABLE ud, isth_id *out);
  int32_t (*unsubscribe)(isth_ctx *, isth_id sub);
  /* Restrict this plugin's message_publish hook to topics matching `filter`; may be called repeatedly, in start().    */
  int32_t (*hook_filter)(isth_ctx *, isth_str filter);
  /* Close a client's connection, wherever it is, at the end of a turn of its loop; drop_session also ends its session.
   * ISTH_OK says that it will be looked for, not that there is such a client.  A reason_code that no
   * DISCONNECT has, such as 0, is told as 0x98.                                                                      */
  int32_t (*kick)(isth_ctx *, isth_str client_id, uint8_t reason_code, int32_t drop_session);
  /* Calls `with` for every (filter, group) with a local subscriber, on the spot.  [loop] 0 only.                      */
  int32_t (*routes_each)(isth_ctx *, void (*with)(void *ISTH_NULLABLE ud, isth_str filter, isth_str share_group), void *ISTH_NULLABLE ud);
  /* Run on a loop (0 ..< loop_count), in order of calls from one thread; ISTH_ANY_LOOP = some loop.                  */
  int32_t (*run_on_loop)(isth_ctx *, uint32_t loop, isth_task, void *ISTH_NULLABLE ud);
  /* Run on the host's bounded pool of threads.  ISTH_E_LIMIT: too many wait already.                                 */
  int32_t (*run_blocking)(isth_ctx *, isth_task, void *ISTH_NULLABLE ud);
  /* `task` runs on `loop` after first_ms, then each every_ms (0 = once).                                             */
  int32_t (*timer)(isth_ctx *, uint32_t loop, uint32_t first_ms, uint32_t every_ms, isth_task, void *ISTH_NULLABLE ud, isth_id *out);
  int32_t (*timer_cancel)(isth_ctx *, isth_id timer);   /* on its own loop: it does not fire after this returns        */
  uint64_t (*now_ms)(isth_ctx *);                       /* monotonic clock                                            */
  /* Newer or larger services by name; NULL = not here.  Look up in ready(), live without what is absent.              */
  const void *ISTH_NULLABLE (*ISTH_NONNULL service)(isth_ctx *, const char *name);
  /* Offer a table to other plugins under a name ("http/1"), in start().  It must stay valid for ever.                */
  int32_t (*provide)(isth_ctx *, const char *name, const void *table);
} isth_host;

/* ---- service "route/1": external destinations ------------------------------------------------------------------- */
/* A destination is somewhere outside this broker that wants messages (a link, a bridge).  Its filters stand in the
 * host's own subscription index: a publish that matches any of them is handed over once, on the destination's loop.  */
typedef struct isth_route_service_v1 {
  uint32_t size, reserved0;
  int32_t (*open)(isth_ctx *, uint32_t loop, isth_str name, void (*deliver)(void *ISTH_NULLABLE ud, const isth_msg *), void *ISTH_NULLABLE ud, isth_id *out);
  int32_t (*add)(isth_ctx *, isth_id dest, isth_str filter);     /* [loop] the destination's; idempotent                */
  int32_t (*remove)(isth_ctx *, isth_id dest, isth_str filter);  /* [loop] the destination's; idempotent                */
  int32_t (*close)(isth_ctx *, isth_id dest);                    /* [loop] the destination's; drops its filters         */
} isth_route_service;

/* ---- service "mqtt_client/1": outbound MQTT 5 connections on the host's loops ------------------------------------ */
typedef struct isth_mqtt_options_v1 { /* the host copies it                                                           */
  uint32_t size, loop;
  isth_str host; uint16_t port; uint8_t tls, verify_peer; uint32_t connect_timeout_ms;
  isth_str ca_file, cert_file, key_file, key_password, sni;      /* tls only                                          */
  isth_str client_id, username; isth_bytes password; uint8_t has_username, has_password, clean_start;
  uint8_t tls_depth;                           /* certificates between the server's and its authority's, + 1; 0 = 10     */
  uint32_t session_expiry_s, keepalive_s;
  uint32_t reconnect_min_ms, reconnect_max_ms; /* wait before trying again, doubling from min to max; 0, 0 = never      */
  uint32_t max_inflight;                       /* of QoS >= 1; the server's Receive Maximum also caps it                */
  uint32_t high_water_bytes;                   /* publish answers ISTH_E_LIMIT while more than this waits for the socket */
  isth_str tls_versions;                       /* "tlsv1.2", "tlsv1.3" or both with a comma; empty = both               */
  isth_str tls_ciphers;                        /* OpenSSL's names with colons; empty = a good default                    */
} isth_mqtt_options;
typedef struct isth_mqtt_callbacks_v1 { /* all on options.loop; `link` is what open() gave                             */
  uint32_t size, reserved0; void *ISTH_NULLABLE ud;
  /* CONNACK success; publishes that were not acknowledged are forgotten: publish them again                          */
  void (*ISTH_NULLABLE up)(void *ISTH_NULLABLE ud, isth_id link, int32_t session_present);
  /* Not connected (any more), or a try failed; the text is a sentence.  It will try again unless told not to.        */
  void (*ISTH_NULLABLE down)(void *ISTH_NULLABLE ud, isth_id link, uint8_t reason_code, isth_str text);
  void (*ISTH_NULLABLE message)(void *ISTH_NULLABLE ud, isth_id link, const isth_msg *);
  /* A QoS >= 1 publish, subscribe or unsubscribe was answered; cookie as given.                                       */
  void (*ISTH_NULLABLE acked)(void *ISTH_NULLABLE ud, isth_id link, uint64_t cookie, uint8_t reason_code);
  /* After ISTH_E_LIMIT: there is room again.                                                                         */
  void (*ISTH_NULLABLE writable)(void *ISTH_NULLABLE ud, isth_id link);
} isth_mqtt_callbacks;
typedef struct isth_mqtt_service_v1 {
  uint32_t size, reserved0;
  int32_t (*open)(isth_ctx *, const isth_mqtt_options *, const isth_mqtt_callbacks *, isth_id *out);
  int32_t (*publish)(isth_ctx *, isth_id link, const isth_msg *, uint64_t cookie);                    /* [loop]        */
  int32_t (*subscribe)(isth_ctx *, isth_id link, const isth_sub *, uint64_t cookie);                  /* [loop]        */
  int32_t (*unsubscribe)(isth_ctx *, isth_id link, isth_str filter, uint64_t cookie);                 /* [loop]        */
  int32_t (*reconnect)(isth_ctx *, isth_id link, uint32_t delay_ms);  /* [loop] drop the connection, try again then    */
  int32_t (*close)(isth_ctx *, isth_id link);                         /* [loop] DISCONNECT; no callback after return   */
} isth_mqtt_service;

/* ---- service "mqtt_limits/1": what the server of such a connection takes -------------------------------------------- */
typedef struct isth_mqtt_limits_v1 { /* as its CONNACK said; the standard's largest values where it said nothing       */
  uint32_t size, maximum_packet_size;
  uint16_t receive_maximum; uint8_t maximum_qos, retain_available; uint32_t reserved0;
} isth_mqtt_limits;
typedef struct isth_mqtt_limits_service_v1 {
  uint32_t size, reserved0;
  /* From `up` on.  ISTH_E_STATE: not connected.                                                                       */
  int32_t (*get)(isth_ctx *, isth_id link, isth_mqtt_limits *out);                                    /* [loop]        */
} isth_mqtt_limits_service;

/* ---- service "metrics/1": figures that the host publishes and exposes --------------------------------------------- */
/* `name`: "link_messages_sent"; labels: {"link", "eu"}; `sys_topic`: below $SYS/brokers/NODE/, "links/eu/sent", or empty. */
typedef struct isth_metrics_service_v1 {
  uint32_t size, reserved0;
  isth_id (*counter)(isth_ctx *, isth_str name, const isth_pair *ISTH_NULLABLE labels, size_t label_count, isth_str sys_topic);
  isth_id (*gauge)(isth_ctx *, isth_str name, const isth_pair *ISTH_NULLABLE labels, size_t label_count, isth_str sys_topic);
  isth_id (*text)(isth_ctx *, isth_str name, const isth_pair *ISTH_NULLABLE labels, size_t label_count, isth_str sys_topic);
  void (*add)(isth_ctx *, isth_id counter, uint64_t);
  void (*set)(isth_ctx *, isth_id gauge, int64_t);
  void (*say)(isth_ctx *, isth_id text, isth_str);
  void (*remove)(isth_ctx *, isth_id);
} isth_metrics_service;

/* ---- service "log/1": lines that may come again and again ---------------------------------------------------------- */
typedef struct isth_log_service_v1 {
  uint32_t size, reserved0;
  /* As log(), and throttled: of the lines of one `kind` ("peers that break the protocol", as a summary would name them)
   * about one `subject` (a client, a link) a few are written in log.throttling.time_window, then how many were left out. */
  void (*repeated)(isth_ctx *, int32_t level, isth_str kind, isth_str subject, isth_str text);
} isth_log_service;

/* ---- the plugin's two exports -------------------------------------------------------------------------------------- */
ISTH_EXPORT uint32_t isth_plugin_abi(void);
ISTH_EXPORT int32_t isth_plugin_open(const isth_host *host, isth_plugin *out);
#undef ISTH_SELF
#undef ISTH_CL
#ifdef __cplusplus
}
#endif
#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
