// Checkpoints and exceptions: what the job manager keeps of the past becomes events with stable ids.
#include <algorithm>

#include "agent/base/redact.h"
#include "agent/collectors/flink/parse_internal.h"

namespace medic::flink_read {

using namespace json_read;

namespace {

bool is_savepoint(const Json& checkpoint) { return boolean(checkpoint, "is_savepoint").value_or(false); }

void latest_checkpoint(const Into& into, const Json& latest, const Job& job) {
    const std::vector<LabelPair> labels = {{"cluster", into.cluster}, {"job", job.name}};
    auto& attributes = into.observation.attributes[into.subject("job", job.name)];
    if (const Json* done = member(latest, "completed")) {
        if (const auto ms = number(*done, "end_to_end_duration"))
            into.observation.sample("flink_checkpoint_last_duration_seconds", labels, *ms / 1000);
        const auto size = number(*done, "checkpointed_size");
        if (const auto bytes = size ? size : number(*done, "state_size"))
            into.observation.sample("flink_checkpoint_last_size_bytes", labels, *bytes);
        if (const auto acked = number(*done, "latest_ack_timestamp"))
            into.observation.sample("flink_checkpoint_last_completed_timestamp_seconds", labels, *acked / 1000);
        if (const std::string path = text(*done, "external_path"); !path.empty()) {
            attributes["checkpoint_path"] = path;
            attributes["checkpoint_is_savepoint"] = is_savepoint(*done) ? "true" : "false";
        }
        if (const auto id = integer(*done, "id")) attributes["checkpoint_id"] = std::to_string(*id);
    }
    if (const Json* savepoint = member(latest, "savepoint"))
        if (const std::string path = text(*savepoint, "external_path"); !path.empty())
            attributes["savepoint_path"] = path;
    if (const Json* restored = member(latest, "restored")) {
        const std::string path = text(*restored, "external_path");
        if (!path.empty()) attributes["restored_from"] = path;
        // Until the job completes a checkpoint of its own, this is the newest state: Flink would go back to it, too.
        if (!path.empty() && member(latest, "completed") == nullptr) {
            attributes["checkpoint_path"] = path;
            attributes["checkpoint_is_savepoint"] = is_savepoint(*restored) ? "true" : "false";
        }
    }
}

void history_entry(const Into& into, const Json& entry, const Job& job) {
    const std::string status = text(entry, "status");
    const bool savepoint = is_savepoint(entry);
    const auto id = integer(entry, "id");
    if (!id) return;
    if (savepoint && status == "IN_PROGRESS")
        into.observation.under_way.push_back({into.subject("job", job.name), "savepoint", ""});
    Event event{.at = {integer(entry, "latest_ack_timestamp").value_or(0)},
                .subject = into.subject("job", job.name),
                .kind = "",
                .text = "",
                .fields = {{"job_id", job.id}, {"checkpoint", std::to_string(*id)}},
                .id = ""};
    if (savepoint && status == "COMPLETED") {
        event.kind = "savepoint";
        event.text = text(entry, "external_path");
        event.fields["path"] = event.text;
    } else if (status == "FAILED") {
        event.kind = "checkpoint-failed";
        event.text = redact(text(entry, "failure_message"));
        event.at = {integer(entry, "failure_timestamp").value_or(event.at.unix_ms)};
    } else {
        return;
    }
    if (event.at.unix_ms <= 0) event.at = {integer(entry, "trigger_timestamp").value_or(into.at.unix_ms)};
    event.id = into.cluster + "/" + job.id + "/" + event.kind + "/" + std::to_string(*id);
    into.observation.events.push_back(std::move(event));
}

// "score (2/4) - execution #1" → vertex "score", subtask 1. Names without that tail are left as they are.
void split_task_name(const std::string& task, std::map<std::string, std::string>& fields) {
    fields["task"] = task;
    const auto open = task.rfind(" (");
    const auto slash = open == std::string::npos ? open : task.find('/', open);
    const auto close = slash == std::string::npos ? slash : task.find(')', slash);
    if (close == std::string::npos) return;
    const auto index = number_in_text(task.substr(open + 2, slash - open - 2));
    if (!index || *index < 1) return;
    fields["vertex"] = task.substr(0, open);
    fields["subtask"] = std::to_string(static_cast<std::int64_t>(*index) - 1);
}

std::string exception_event(const Into& into, const Json& entry, const Job& job, const std::string& concurrent_with) {
    Event event{.at = {integer(entry, "timestamp").value_or(0)},
                .subject = into.subject("job", job.name),
                .kind = "exception",
                .text = redact(text(entry, "stacktrace")),
                .fields = {{"job_id", job.id}, {"exception", redact(text(entry, "exceptionName"))}},
                .id = ""};
    if (event.at.unix_ms <= 0 || (event.text.empty() && event.fields["exception"].empty())) return "";
    if (event.text.empty()) event.text = event.fields["exception"];
    if (const std::string task = text(entry, "taskName"); !task.empty()) split_task_name(task, event.fields);
    if (const std::string manager = text(entry, "taskManagerId"); !manager.empty())
        event.fields["taskmanager"] = manager;
    const std::string endpoint = text(entry, "endpoint");
    if (const std::string where = endpoint.empty() ? text(entry, "location") : endpoint; !where.empty())
        event.fields["endpoint"] = where;
    if (const Json* labels = member(entry, "failureLabels"); labels != nullptr && labels->is_object())
        for (const auto& [key, value] : labels->items())
            if (value.is_string() && event.fields.size() < 32) event.fields["label." + key] = value.get<std::string>();
    if (!concurrent_with.empty()) event.fields["concurrent_with"] = concurrent_with;
    event.id = into.cluster + "/" + job.id + "/exception/" + std::to_string(event.at.unix_ms) + "/" +
               event.fields["task"] + "/" + event.fields["exception"];
    std::string id = event.id;
    into.observation.events.push_back(std::move(event));
    return id;
}

}  // namespace

void checkpoints(const Into& into, const Json& answer, const Job& job) {
    const std::vector<LabelPair> labels = {{"cluster", into.cluster}, {"job", job.name}};
    if (const Json* counts = member(answer, "counts")) {
        const auto put = [&](const char* name, const char* key) {
            if (const auto value = number(*counts, key)) into.observation.sample(name, labels, *value);
        };
        put("flink_checkpoints_completed_total", "completed");
        put("flink_checkpoints_failed_total", "failed");
        put("flink_checkpoints_in_progress", "in_progress");
    }
    if (const Json* latest = member(answer, "latest")) latest_checkpoint(into, *latest, job);
    for (const Json& entry : array(answer, "history")) history_entry(into, entry, job);
}

void exceptions(const Into& into, const Json& answer, const Job& job) {
    const Json* history = member(answer, "exceptionHistory");
    if (history == nullptr) {
        into.observation.lacks("job " + job.name + ": no exceptionHistory");
        return;
    }
    const Json& entries = array(*history, "entries");
    into.observation.sample("flink_job_exceptions", {{"cluster", into.cluster}, {"job", job.name}},
                            static_cast<double>(entries.size()));
    for (const Json& entry : entries) {
        const std::string root = exception_event(into, entry, job, "");
        for (const Json& other : array(entry, "concurrentExceptions")) exception_event(into, other, job, root);
    }
}

}  // namespace medic::flink_read
