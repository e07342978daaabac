// SPDX-License-Identifier: Apache-2.0
/* The layout of ABI 1, frozen: sizes and offsets on LP64.  A released struct never changes, so a failure here is never
 * mended by writing the new number: what is to be added comes as a new table fetched by name. */
#include "isthmus_plugin.h"

#define SIZE(tag, bytes) _Static_assert(sizeof(struct tag) == (bytes), "the size of " #tag " is part of the ABI")
#define AT(tag, field, offset) \
  _Static_assert(offsetof(struct tag, field) == (offset), "the place of " #tag "." #field " is part of the ABI")

_Static_assert(sizeof(void *) == 8, "Isthmus runs on 64-bit systems");

SIZE(isth_str_v1, 16);
AT(isth_str_v1, ptr, 0);
AT(isth_str_v1, len, 8);

SIZE(isth_bytes_v1, 16);
AT(isth_bytes_v1, ptr, 0);
AT(isth_bytes_v1, len, 8);

SIZE(isth_pair_v1, 32);
AT(isth_pair_v1, name, 0);
AT(isth_pair_v1, value, 16);

SIZE(isth_client_v1, 152);
AT(isth_client_v1, size, 0);
AT(isth_client_v1, loop, 4);
AT(isth_client_v1, conn, 8);
AT(isth_client_v1, client_id, 16);
AT(isth_client_v1, username, 32);
AT(isth_client_v1, listener, 48);
AT(isth_client_v1, peer_addr, 64);
AT(isth_client_v1, tls_common_name, 80);
AT(isth_client_v1, peer_port, 96);
AT(isth_client_v1, protocol, 98);
AT(isth_client_v1, transport, 99);
AT(isth_client_v1, flags, 100);
AT(isth_client_v1, keepalive_s, 104);
AT(isth_client_v1, session_expiry_s, 108);
AT(isth_client_v1, slot, 112);
AT(isth_client_v1, reserved, 120);

SIZE(isth_msg_v1, 216);
AT(isth_msg_v1, size, 0);
AT(isth_msg_v1, flags, 4);
AT(isth_msg_v1, qos, 8);
AT(isth_msg_v1, origin, 9);
AT(isth_msg_v1, payload_format, 10);
AT(isth_msg_v1, publisher_protocol, 11);
AT(isth_msg_v1, expiry_s, 12);
AT(isth_msg_v1, received_ms, 16);
AT(isth_msg_v1, topic, 24);
AT(isth_msg_v1, payload, 40);
AT(isth_msg_v1, content_type, 56);
AT(isth_msg_v1, response_topic, 72);
AT(isth_msg_v1, correlation, 88);
AT(isth_msg_v1, user_properties, 104);
AT(isth_msg_v1, user_property_count, 112);
AT(isth_msg_v1, publisher_id, 120);
AT(isth_msg_v1, publisher_username, 136);
AT(isth_msg_v1, publisher_addr, 152);
AT(isth_msg_v1, publisher_port, 168);
AT(isth_msg_v1, reserved0, 170);
AT(isth_msg_v1, origin_id, 176);
AT(isth_msg_v1, reserved, 184);

SIZE(isth_sub_v1, 64);
AT(isth_sub_v1, size, 0);
AT(isth_sub_v1, qos, 4);
AT(isth_sub_v1, no_local, 5);
AT(isth_sub_v1, retain_as_published, 6);
AT(isth_sub_v1, retain_handling, 7);
AT(isth_sub_v1, subscription_id, 8);
AT(isth_sub_v1, reserved0, 12);
AT(isth_sub_v1, filter, 16);
AT(isth_sub_v1, share_group, 32);
AT(isth_sub_v1, reserved, 48);

SIZE(isth_decision_v1, 96);
AT(isth_decision_v1, size, 0);
AT(isth_decision_v1, result, 4);
AT(isth_decision_v1, reason_code, 8);
AT(isth_decision_v1, superuser, 9);
AT(isth_decision_v1, auth_continue, 10);
AT(isth_decision_v1, reserved0, 11);
AT(isth_decision_v1, valid_s, 12);
AT(isth_decision_v1, username, 16);
AT(isth_decision_v1, reason, 32);
AT(isth_decision_v1, auth_data, 48);
AT(isth_decision_v1, server_reference, 64);
AT(isth_decision_v1, reserved, 80);

SIZE(isth_hooks_v1, 216);
AT(isth_hooks_v1, size, 0);
AT(isth_hooks_v1, flags, 4);
AT(isth_hooks_v1, client_connect, 8);
AT(isth_hooks_v1, client_authenticate, 16);
AT(isth_hooks_v1, client_auth_step, 24);
AT(isth_hooks_v1, client_authorize, 32);
AT(isth_hooks_v1, client_connected, 40);
AT(isth_hooks_v1, client_closed, 48);
AT(isth_hooks_v1, session_created, 56);
AT(isth_hooks_v1, session_resumed, 64);
AT(isth_hooks_v1, session_terminated, 72);
AT(isth_hooks_v1, client_subscribe, 80);
AT(isth_hooks_v1, client_subscribed, 88);
AT(isth_hooks_v1, client_unsubscribed, 96);
AT(isth_hooks_v1, message_publish, 104);
AT(isth_hooks_v1, message_deliver, 112);
AT(isth_hooks_v1, message_acked, 120);
AT(isth_hooks_v1, message_dropped, 128);
AT(isth_hooks_v1, route_added, 136);
AT(isth_hooks_v1, route_removed, 144);
AT(isth_hooks_v1, explain_authorize, 152);
AT(isth_hooks_v1, reserved, 160);

SIZE(isth_setting_v1, 40);
AT(isth_setting_v1, size, 0);
AT(isth_setting_v1, flags, 4);
AT(isth_setting_v1, path, 8);
AT(isth_setting_v1, type, 16);
AT(isth_setting_v1, fallback, 24);
AT(isth_setting_v1, doc, 32);

SIZE(isth_plugin_v1, 120);
AT(isth_plugin_v1, size, 0);
AT(isth_plugin_v1, abi, 4);
AT(isth_plugin_v1, name, 8);
AT(isth_plugin_v1, version, 16);
AT(isth_plugin_v1, self, 24);
AT(isth_plugin_v1, flags, 32);
AT(isth_plugin_v1, setting_count, 36);
AT(isth_plugin_v1, settings, 40);
AT(isth_plugin_v1, start, 48);
AT(isth_plugin_v1, ready, 56);
AT(isth_plugin_v1, reload, 64);
AT(isth_plugin_v1, drain, 72);
AT(isth_plugin_v1, close, 80);
AT(isth_plugin_v1, reserved, 88);

SIZE(isth_host_v1, 240);
AT(isth_host_v1, size, 0);
AT(isth_host_v1, abi, 4);
AT(isth_host_v1, ctx, 8);
AT(isth_host_v1, version, 16);
AT(isth_host_v1, loop_count, 24);
AT(isth_host_v1, reserved0, 28);
AT(isth_host_v1, log, 32);
AT(isth_host_v1, log_enabled, 40);
AT(isth_host_v1, config, 48);
AT(isth_host_v1, config_origin, 56);
AT(isth_host_v1, answer, 64);
AT(isth_host_v1, edit_topic, 72);
AT(isth_host_v1, edit_payload, 80);
AT(isth_host_v1, edit_qos, 88);
AT(isth_host_v1, edit_retain, 96);
AT(isth_host_v1, edit_filter, 104);
AT(isth_host_v1, edit_reason, 112);
AT(isth_host_v1, msg_retain, 120);
AT(isth_host_v1, msg_release, 128);
AT(isth_host_v1, publish, 136);
AT(isth_host_v1, subscribe, 144);
AT(isth_host_v1, unsubscribe, 152);
AT(isth_host_v1, hook_filter, 160);
AT(isth_host_v1, kick, 168);
AT(isth_host_v1, routes_each, 176);
AT(isth_host_v1, run_on_loop, 184);
AT(isth_host_v1, run_blocking, 192);
AT(isth_host_v1, timer, 200);
AT(isth_host_v1, timer_cancel, 208);
AT(isth_host_v1, now_ms, 216);
AT(isth_host_v1, service, 224);
AT(isth_host_v1, provide, 232);

SIZE(isth_route_service_v1, 40);
AT(isth_route_service_v1, size, 0);
AT(isth_route_service_v1, reserved0, 4);
AT(isth_route_service_v1, open, 8);
AT(isth_route_service_v1, add, 16);
AT(isth_route_service_v1, remove, 24);
AT(isth_route_service_v1, close, 32);

SIZE(isth_mqtt_options_v1, 224);
AT(isth_mqtt_options_v1, size, 0);
AT(isth_mqtt_options_v1, loop, 4);
AT(isth_mqtt_options_v1, host, 8);
AT(isth_mqtt_options_v1, port, 24);
AT(isth_mqtt_options_v1, tls, 26);
AT(isth_mqtt_options_v1, verify_peer, 27);
AT(isth_mqtt_options_v1, connect_timeout_ms, 28);
AT(isth_mqtt_options_v1, ca_file, 32);
AT(isth_mqtt_options_v1, cert_file, 48);
AT(isth_mqtt_options_v1, key_file, 64);
AT(isth_mqtt_options_v1, key_password, 80);
AT(isth_mqtt_options_v1, sni, 96);
AT(isth_mqtt_options_v1, client_id, 112);
AT(isth_mqtt_options_v1, username, 128);
AT(isth_mqtt_options_v1, password, 144);
AT(isth_mqtt_options_v1, has_username, 160);
AT(isth_mqtt_options_v1, has_password, 161);
AT(isth_mqtt_options_v1, clean_start, 162);
AT(isth_mqtt_options_v1, tls_depth, 163);
AT(isth_mqtt_options_v1, session_expiry_s, 164);
AT(isth_mqtt_options_v1, keepalive_s, 168);
AT(isth_mqtt_options_v1, reconnect_min_ms, 172);
AT(isth_mqtt_options_v1, reconnect_max_ms, 176);
AT(isth_mqtt_options_v1, max_inflight, 180);
AT(isth_mqtt_options_v1, high_water_bytes, 184);
AT(isth_mqtt_options_v1, tls_versions, 192);
AT(isth_mqtt_options_v1, tls_ciphers, 208);

SIZE(isth_mqtt_callbacks_v1, 56);
AT(isth_mqtt_callbacks_v1, size, 0);
AT(isth_mqtt_callbacks_v1, reserved0, 4);
AT(isth_mqtt_callbacks_v1, ud, 8);
AT(isth_mqtt_callbacks_v1, up, 16);
AT(isth_mqtt_callbacks_v1, down, 24);
AT(isth_mqtt_callbacks_v1, message, 32);
AT(isth_mqtt_callbacks_v1, acked, 40);
AT(isth_mqtt_callbacks_v1, writable, 48);

SIZE(isth_mqtt_service_v1, 56);
AT(isth_mqtt_service_v1, size, 0);
AT(isth_mqtt_service_v1, reserved0, 4);
AT(isth_mqtt_service_v1, open, 8);
AT(isth_mqtt_service_v1, publish, 16);
AT(isth_mqtt_service_v1, subscribe, 24);
AT(isth_mqtt_service_v1, unsubscribe, 32);
AT(isth_mqtt_service_v1, reconnect, 40);
AT(isth_mqtt_service_v1, close, 48);

SIZE(isth_mqtt_limits_v1, 16);
AT(isth_mqtt_limits_v1, size, 0);
AT(isth_mqtt_limits_v1, maximum_packet_size, 4);
AT(isth_mqtt_limits_v1, receive_maximum, 8);
AT(isth_mqtt_limits_v1, maximum_qos, 10);
AT(isth_mqtt_limits_v1, retain_available, 11);
AT(isth_mqtt_limits_v1, reserved0, 12);

SIZE(isth_mqtt_limits_service_v1, 16);
AT(isth_mqtt_limits_service_v1, size, 0);
AT(isth_mqtt_limits_service_v1, reserved0, 4);
AT(isth_mqtt_limits_service_v1, get, 8);

SIZE(isth_log_service_v1, 16);
AT(isth_log_service_v1, size, 0);
AT(isth_log_service_v1, reserved0, 4);
AT(isth_log_service_v1, repeated, 8);

SIZE(isth_metrics_service_v1, 64);
AT(isth_metrics_service_v1, size, 0);
AT(isth_metrics_service_v1, reserved0, 4);
AT(isth_metrics_service_v1, counter, 8);
AT(isth_metrics_service_v1, gauge, 16);
AT(isth_metrics_service_v1, text, 24);
AT(isth_metrics_service_v1, add, 32);
AT(isth_metrics_service_v1, set, 40);
AT(isth_metrics_service_v1, say, 48);
AT(isth_metrics_service_v1, remove, 56);
