#include "agent/notify/notify.h"

#include <nlohmann/json.hpp>

#include "agent/api/incident_view.h"
#include "agent/world/real/command.h"
#include "remediations/guards/policy.h"

namespace medic {
namespace {

using Json = nlohmann::json;

constexpr Duration deliver_within{10'000};
constexpr std::size_t commands_running_max = 8;

std::string_view name_of(Notification::Kind kind) {
    switch (kind) {
        case Notification::Kind::opened: return "opened";
        case Notification::Kind::approval_needed: return "approval_needed";
        case Notification::Kind::acted: return "acted";
        case Notification::Kind::healed: return "healed";
        case Notification::Kind::escalated: return "escalated";
        case Notification::Kind::resolved: return "resolved";
        case Notification::Kind::agent: return "agent";
    }
    return "";
}

std::string dump(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

std::string notification_json(const Notification& notification) {
    return dump({{"schema", 1},
                 {"incident", notification.incident},
                 {"cluster", notification.cluster},
                 {"owner", notification.owner},
                 {"kind", name_of(notification.kind)},
                 {"text", notification.text},
                 {"at", rfc3339(notification.at)}});
}

std::string notification_alert(const Notification& notification) {
    Json alert = {{"labels",
                   {{"alertname", "StreammedicIncident"},
                    {"incident", notification.incident},
                    {"cluster", notification.cluster},
                    {"owner", notification.owner}}},
                  {"annotations", {{"summary", notification.text}, {"kind", name_of(notification.kind)}}}};
    if (notification.kind == Notification::Kind::resolved) alert["endsAt"] = rfc3339(notification.at);
    return dump(Json::array({alert}));
}

void Notifier::tell(const Notification& notification) {
    for (const NotifyConfig& receiver : receivers_) {
        if (!glob_matches(receiver.for_owner, notification.owner)) continue;
        if (receiver.kind == "command") {
            if (commands_running_ >= commands_running_max) {
                ++undelivered_;
                continue;
            }
            ++commands_running_;
            std::vector<std::string> argv = receiver.command;
            argv.push_back(notification_json(notification));
            run_command(reactor_, {.argv = std::move(argv), .timeout = deliver_within, .output_bytes_max = 4'096},
                        [this](const Result<CommandReply>& reply) {
                            --commands_running_;
                            if (!reply || reply->exit_code != 0) ++undelivered_;
                        });
            continue;
        }
        FetchRequest request;
        request.method = "POST";
        request.url = receiver.kind == "alertmanager" ? receiver.url + "/api/v2/alerts" : receiver.url;
        request.body =
            receiver.kind == "alertmanager" ? notification_alert(notification) : notification_json(notification);
        request.headers = {{"Content-Type", "application/json"}};
        request.timeout = deliver_within;
        request.body_bytes_max = 64 * 1024;
        fetcher_.fetch(std::move(request), [this](const Result<FetchReply>& reply) {
            if (!reply || reply->status >= 300) ++undelivered_;
        });
    }
}

}  // namespace medic
