#include "agent/notify/payload.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "agent/api/diagnosis_json_internal.h"
#include "agent/api/incident_view.h"
#include "agent/base/plain_text.h"
#include "agent/base/redact.h"

namespace medic {
namespace {

constexpr std::size_t digest_lines_max = 30;  // The rest is counted; the API lists them all.

std::string line_of(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

IncidentMessage message_of_news(const News& one, const MessageContext& context) {
    return message_of(*one.incident, context);
}

Json incident_json(const News& one, const Dispatch& dispatch, const MessageContext& context) {
    const IncidentMessage message = message_of_news(one, context);
    Json evidence = Json::array();
    for (const MessageEvidence& item : message.evidence)
        evidence.push_back({{"kind", item.kind}, {"text", item.text}, {"at", time_json(item.at)}});
    return {{"schema", 1},
            {"kind", "incident"},
            {"event", to_string(one.event)},
            {"key", dispatch.key},
            {"revision", one.revision},
            {"at", time_json(dispatch.at)},
            {"incident", message.incident},
            {"cluster", message.cluster},
            {"state", message.state},
            {"side", message.side},
            {"owner", message.owner},
            {"cause", message.cause},
            {"subject", message.subject},
            {"since", time_json(message.since)},
            {"ended_at", time_json(message.ended_at)},
            {"confidence", message.confidence},
            {"title", message.title},
            {"what", message.what},
            {"first_failure", message.first_failure},
            {"evidence", evidence},
            {"missing", message.missing},
            {"action", message.action},
            {"waiting_for", message.waiting_for},
            {"outcome", message.outcome},
            {"link", message.link},
            {"approve_command", message.approve_command},
            {"verdict",
             {{"right_command", message.right_command},
              {"wrong_command", message.wrong_command},
              {"right_url", message.right_url},
              {"wrong_url", message.wrong_url}}},
            {"text", message.text}};
}

// "12 incidents: 9 opened, 3 resolved", and by owner.
std::string digest_title(const Dispatch& dispatch) {
    std::map<std::string, std::size_t> events;
    for (const News& one : dispatch.news) ++events[std::string(to_string(one.event))];
    std::string counts;
    for (const auto& [event, count] : events)
        counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", count, event);
    return fmt::format("[medic] {} incidents: {}", dispatch.news.size(), counts);
}

std::string digest_text(const Dispatch& dispatch, const MessageContext& context) {
    std::string text = digest_title(dispatch) + "\n\n";
    for (std::size_t i = 0; i < dispatch.news.size() && i < digest_lines_max; ++i) {
        const IncidentMessage message = message_of_news(dispatch.news[i], context);
        text += fmt::format("{} · {} side · {} · {}\n", message.title, message.side, message.owner,
                            message.link.empty() ? message.incident : message.link);
    }
    if (dispatch.news.size() > digest_lines_max)
        text += fmt::format("and {} more\n", dispatch.news.size() - digest_lines_max);
    return text + "\nAll of them: medic incidents --config " + shell_word(context.config_path) + "\n";
}

Json digest_json(const Dispatch& dispatch, const MessageContext& context) {
    Json list = Json::array();
    for (const News& one : dispatch.news) {
        const IncidentMessage message = message_of_news(one, context);
        list.push_back({{"incident", message.incident},
                        {"event", to_string(one.event)},
                        {"revision", one.revision},
                        {"cluster", message.cluster},
                        {"state", message.state},
                        {"side", message.side},
                        {"owner", message.owner},
                        {"cause", message.cause},
                        {"title", message.title},
                        {"link", message.link}});
    }
    return {{"schema", 1},
            {"kind", "digest"},
            {"key", dispatch.key},
            {"at", time_json(dispatch.at)},
            {"incidents", list},
            {"title", digest_title(dispatch)},
            {"text", digest_text(dispatch, context)}};
}

// An alert is its labels: what changes while the incident lives belongs into the annotations.
Json alert_labels(const Incident& incident) {
    const Diagnosis& diagnosis = incident.diagnosis;
    return {{"alertname", "StreammedicIncident"},
            {"incident", incident.id},
            {"cluster", incident.cluster},
            {"side", to_string(diagnosis.side)},
            {"cause", diagnosis.abstains() ? "unknown" : diagnosis.cause},
            {"owner", diagnosis.owner.empty() ? "unknown" : diagnosis.owner}};
}

Json alert(const Json& labels, const News& one, const IncidentMessage& message, WallTime ends) {
    Json out = {{"labels", labels},
                {"annotations",
                 {{"summary", message.title},
                  {"description", message.text},
                  {"state", message.state},
                  {"medic_subject", message.subject},
                  {"waiting_for", message.waiting_for}}},
                {"startsAt", rfc3339(one.incident->opened_at)},
                {"endsAt", rfc3339(ends)}};
    if (!message.link.empty()) out["generatorURL"] = message.link;
    return out;
}

}  // namespace

std::string payload_json(const Dispatch& dispatch, const MessageContext& context) {
    switch (dispatch.kind) {
        case Dispatch::Kind::incident: return line_of(incident_json(dispatch.news[0], dispatch, context));
        case Dispatch::Kind::digest: return line_of(digest_json(dispatch, context));
        default: break;
    }
    return line_of({{"schema", 1},
                    {"kind", "agent"},
                    {"key", dispatch.key},
                    {"at", time_json(dispatch.at)},
                    {"title", payload_title(dispatch, context)},
                    {"text", payload_text(dispatch, context)}});
}

std::string payload_text(const Dispatch& dispatch, const MessageContext& context) {
    switch (dispatch.kind) {
        case Dispatch::Kind::incident: return message_of_news(dispatch.news[0], context).text;
        case Dispatch::Kind::digest: return digest_text(dispatch, context);
        default: return "[medic] the agent itself: " + redact(plain_line(dispatch.notice)) + "\n";
    }
}

std::string payload_title(const Dispatch& dispatch, const MessageContext& context) {
    switch (dispatch.kind) {
        case Dispatch::Kind::incident: return message_of_news(dispatch.news[0], context).title;
        case Dispatch::Kind::digest: return digest_title(dispatch);
        default: {
            std::string text = payload_text(dispatch, context);
            std::ranges::replace(text, '\n', ' ');
            return text;
        }
    }
}

AlertsPayload payload_alerts(const Dispatch& dispatch, const MessageContext& context) {
    AlertsPayload payload;
    Json list = Json::array();
    if (dispatch.kind == Dispatch::Kind::notice)
        list.push_back({{"labels", {{"alertname", "StreammedicAgentNotice"}, {"notice", dispatch.key}}},
                        {"annotations", {{"summary", payload_title(dispatch, context)}}},
                        {"startsAt", rfc3339(dispatch.at)},
                        {"endsAt", rfc3339(context.now + alert_lives)}});
    for (const News& one : dispatch.news) {
        const IncidentMessage message = message_of_news(one, context);
        const Json labels = alert_labels(*one.incident);
        const std::string text = line_of(labels);
        const bool over = one.event == NewsEvent::handed_over;
        if (!one.labels_before.empty() && (over || one.labels_before != text))
            if (const Json before = Json::parse(one.labels_before, nullptr, false); before.is_object())
                list.push_back(alert(before, one, message, context.now));
        if (!over)
            list.push_back(alert(labels, one, message,
                                 one.incident->ended() ? one.incident->resolved_at : context.now + alert_lives));
        payload.labels.push_back(text);
    }
    payload.body = line_of(list);
    return payload;
}

std::string heartbeat_json(WallTime now) {
    return line_of(
        {{"schema", 1}, {"kind", "heartbeat"}, {"at", time_json(now)}, {"text", "[medic] the agent is well"}});
}

std::string heartbeat_alert(WallTime started, WallTime ends) {
    return line_of(Json::array(
        {{{"labels", {{"alertname", "StreammedicWatchdog"}}},
          {"annotations",
           {{"summary",
             "Always fires while the agent is well. When it stops, the agent or the way to here is broken."}}},
          {"startsAt", rfc3339(started)},
          {"endsAt", rfc3339(ends)}}}));
}

}  // namespace medic
