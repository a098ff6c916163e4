// Alertmanager's webhook body (version 4) → Alert.
#include <algorithm>
#include <ctime>

#include "agent/api/api.h"
#include "agent/api/incident_view.h"
#include "agent/api/json_internal.h"
#include "agent/base/foreign_json_internal.h"
#include "agent/base/redact.h"

namespace medic {
namespace {

constexpr std::size_t alerts_max = 10'000;
constexpr std::size_t labels_max = 64;
// What this agent itself tells an Alertmanager (agent/notify) must not come back as somebody's news.
constexpr std::string_view own_alerts = "Streammedic";

std::map<std::string, std::string> texts(const Json& object, const char* key) {
    std::map<std::string, std::string> out;
    const auto found = object.find(key);
    if (found == object.end() || !found->is_object()) return out;
    for (const auto& [name, value] : found->items())
        if (value.is_string() && out.size() < labels_max) out[name] = redact(value.get<std::string>(), 4'096);
    return out;
}

}  // namespace

Subject subject_of_labels(const std::map<std::string, std::string>& labels,
                          const std::map<std::string, std::string>& annotations,
                          const std::vector<std::string>& clusters) {
    const auto label = [&](std::initializer_list<const char*> names) -> std::string {
        for (const char* name : names)
            if (const auto found = labels.find(name); found != labels.end() && !found->second.empty())
                return found->second;
        return "";
    };
    std::string cluster = label({"cluster", "medic_cluster"});
    if (std::ranges::find(clusters, cluster) == clusters.end()) cluster = clusters.size() == 1 ? clusters[0] : "";
    if (cluster.empty()) return {};
    if (const auto said = annotations.find("medic_subject"); said != annotations.end())
        if (Subject subject = parse_subject(cluster, said->second); !subject.kind.empty()) return subject;
    const std::string connector = label({"connector"}), task = label({"task"}),
                      broker = label({"broker", "broker_id", "kafka_id"}), log_dir = label({"log_dir", "logDirectory"});
    if (!connector.empty() && !task.empty()) return {cluster, "connector-task", connector + "/" + task};
    if (!connector.empty()) return {cluster, "connector", connector};
    if (const auto name = label({"taskmanager", "tm_id"}); !name.empty()) return {cluster, "taskmanager", name};
    if (const auto name = label({"job_name"}); !name.empty()) return {cluster, "job", name};
    if (!broker.empty() && !log_dir.empty()) return {cluster, "log-dir", broker + ":" + log_dir};
    if (const auto name = label({"group", "consumergroup", "consumer_group"}); !name.empty())
        return {cluster, "group", name};
    if (const auto name = label({"topic"}); !name.empty()) return {cluster, "topic", name};
    if (!broker.empty()) return {cluster, "broker", broker};
    if (const auto name = label({"worker"}); !name.empty()) return {cluster, "worker", name};
    if (const auto name = label({"node"}); !name.empty()) return {cluster, "node", name};
    // Prometheus gives every series a `job` of its own (the scrape job), so this comes last and only beside Flink's own
    // names.
    if (const auto name = label({"job"});
        !name.empty() && (labels.contains("vertex") || labels.contains("job_id") || labels.contains("flink_job")))
        return {cluster, "job", name};
    return {};
}

Result<std::vector<Alert>> read_alertmanager(std::string_view body, const std::vector<std::string>& clusters) {
    const Json document = foreign_json(body);
    if (!document.is_object())
        return fail(ErrorCode::invalid, "expected a JSON object, as Alertmanager's webhook sends it");
    if (const auto version = document.find("version");
        version != document.end() && version->is_string() && version->get<std::string>() != "4")
        return fail(ErrorCode::invalid, "expected version 4 of Alertmanager's webhook, got {}",
                    version->get<std::string>());
    const auto list = document.find("alerts");
    if (list == document.end() || !list->is_array()) return fail(ErrorCode::invalid, "expected a list `alerts`");
    if (list->size() > alerts_max)
        return fail(ErrorCode::invalid, "{} alerts in one request; at most {}", list->size(), alerts_max);
    std::vector<Alert> alerts;
    for (const Json& entry : *list) {
        if (!entry.is_object()) return fail(ErrorCode::invalid, "alert {}: expected an object", alerts.size() + 1);
        Alert alert;
        alert.labels = texts(entry, "labels");
        alert.annotations = texts(entry, "annotations");
        alert.fingerprint = text_of(entry, "fingerprint").substr(0, 256);
        const std::string status = text_of(entry, "status");
        const auto starts = read_rfc3339(text_of(entry, "startsAt"));
        if (alert.fingerprint.empty())
            return fail(ErrorCode::invalid, "alert {}: expected a fingerprint", alerts.size() + 1);
        if (!starts)
            return fail(ErrorCode::invalid, "alert {}: startsAt: expected an RFC 3339 time, got `{}`",
                        alerts.size() + 1, text_of(entry, "startsAt"));
        if (status != "firing" && status != "resolved")
            return fail(ErrorCode::invalid, "alert {}: status: expected firing or resolved, got `{}`",
                        alerts.size() + 1, status);
        alert.starts_at = *starts;
        alert.firing = status == "firing";
        alert.name = alert.labels.contains("alertname") ? alert.labels.at("alertname") : "unnamed alert";
        if (alert.name.starts_with(own_alerts)) continue;
        alert.subject = subject_of_labels(alert.labels, alert.annotations, clusters);
        alerts.push_back(std::move(alert));
    }
    return alerts;
}

}  // namespace medic
