// How news is packed: JSON for webhooks and commands, alerts for Alertmanager's API v2, plain text for mail and chat.
// Pure: messages in, bytes out.
#pragma once

#include <string>
#include <vector>

#include "agent/notify/desk.h"
#include "agent/notify/message.h"

namespace medic {

// {"schema":1,"kind":"incident",…}; {"schema":1,"kind":"digest","incidents":[…]}; {"schema":1,"kind":"agent",…}.
[[nodiscard]] std::string payload_json(const Dispatch& dispatch, const MessageContext& context);
// The same as text for a person.
[[nodiscard]] std::string payload_text(const Dispatch& dispatch, const MessageContext& context);
// One line about it, for a mail's subject.
[[nodiscard]] std::string payload_title(const Dispatch& dispatch, const MessageContext& context);

struct AlertsPayload {
    std::string body;                 // A JSON array of alerts.
    std::vector<std::string> labels;  // Of each piece of news, as sent: an alert is its labels.
};
// Open alerts end by themselves `alert_lives` after the last time they were sent, so that a dead agent leaves none.
constexpr Duration alert_lives{5 * 60'000};
[[nodiscard]] AlertsPayload payload_alerts(const Dispatch& dispatch, const MessageContext& context);

// The agent is well: {"schema":1,"kind":"heartbeat",…}, or an alert that always fires.
[[nodiscard]] std::string heartbeat_json(WallTime now);
[[nodiscard]] std::string heartbeat_alert(WallTime started, WallTime ends);

}  // namespace medic
