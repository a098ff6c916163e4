// failing-record: the record at which a sink's task has FAILED, from the newest failure that names one: its trace, or a
// line of the worker's log (real Connect names a record that it can't convert only there). It says which record a
// remedy may be about, and how many different ones have ended the task lately: one is a bad record, every next one is a
// writer, a schema or a setting that has changed.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/episode.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::failing_record {
namespace {

constexpr Duration look_back{60 * 60'000};
constexpr std::size_t events_max = 200;  // Of one task; the newest count.
// Connect's own words where converters and transforms refuse a record (RetryWithToleranceOperator, WorkerSinkTask).
constexpr std::string_view refused_by_stage[] = {"Tolerance exceeded in error handler",
                                                 "Converting byte[] to Kafka Connect data failed"};

using Place = std::tuple<std::string, std::int64_t, std::int64_t>;

struct Failed {
    const Event* failure = nullptr;   // The newest trace: it says in what the task failed.
    const Event* named_by = nullptr;  // The newest that names a record.
    RecordRef record;
    std::set<Place> different;
};

Failed read(const std::vector<const Event*>& events) {
    Failed failed;
    const std::size_t left_out = events.size() - std::min(events.size(), events_max);
    for (std::size_t i = left_out; i < events.size(); ++i) {
        const Event& event = *events[i];
        if (event.kind == "exception" && (failed.failure == nullptr || event.at >= failed.failure->at))
            failed.failure = &event;
        const auto record = find_record(event.text);
        if (!record) continue;
        failed.different.insert({record->topic, record->partition, record->offset});
        if (failed.named_by != nullptr && event.at < failed.named_by->at) continue;
        failed.named_by = &event;
        failed.record = *record;
    }
    return failed;
}

bool in_conversion(const Event& failure) {
    return std::ranges::any_of(refused_by_stage,
                               [&](std::string_view words) { return failure.text.find(words) != std::string::npos; });
}

std::optional<Finding> finding_of(const Subject& task, const Failed& failed) {
    if (failed.failure == nullptr) return std::nullopt;
    const bool conversion = in_conversion(*failed.failure);
    if (failed.named_by == nullptr && !conversion) return std::nullopt;
    Finding finding{.id = "failing-record",
                    .subject = task,
                    .since = failed.failure->at,
                    .weight = 1,
                    .summary = "task " + task.name + " fails at a record that it can't convert",
                    .fields = {{"failing_in", conversion ? "conversion" : "put"}},
                    .evidence = {}};
    if (failed.named_by == nullptr) return finding;
    const auto& [topic, partition, offset] = failed.record;
    finding.summary = "task " + task.name + " fails at the record of topic " + topic + ", partition " +
                      std::to_string(partition) + ", offset " + std::to_string(offset);
    finding.fields["failing_topic"] = topic;
    finding.fields["failing_partition"] = std::to_string(partition);
    finding.fields["failing_offset"] = std::to_string(offset);
    finding.fields["failing_records"] = std::to_string(failed.different.size());
    finding.evidence = {{"trace", failed.named_by->id, "it names the record", 0, failed.named_by->at}};
    return finding;
}

std::vector<Finding> run(const View& view, const Now& now) {
    std::map<Subject, std::vector<const Event*>> by_task;
    for (const auto* event : view.timeline.since(now.wall - look_back))
        if (event->subject.kind == "connector-task" && (event->kind == "exception" || event->kind == "log"))
            by_task[event->subject].push_back(event);
    std::vector<Finding> found;
    for (const auto& [task, events] : by_task)
        if (view.topology.attribute(task, "state") == "FAILED")
            if (auto finding = finding_of(task, read(events))) found.push_back(*std::move(finding));
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"failing_record",
            "The record at which a connector's task fails, and how many different ones there were lately.",
            {"failing-record"},
            run,
            "connect_task_state"};
}

}  // namespace medic::analyzers::failing_record
