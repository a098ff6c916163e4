// What a connector's last change of settings has to do with the failure of its task.
// changed-setting-fails: a task failed within two minutes of a change, had not failed before, and its error names a
// setting that was changed: the setting is what is wrong, whatever the words (an address where nobody listens reads
// like a dependency that is down). record-refused-after-good-ones: a record could not be converted or transformed, and
// with the same settings others had been delivered: the record is what is wrong, not the converter.
#include <algorithm>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/episode.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::connector_settings {
namespace {

constexpr Duration look_back{15 * 60'000};
constexpr Duration fails_within{2 * 60'000};
// A change is told at the look after it, and may be told after the failure that came of it.
constexpr Duration look_skew{5'000};
constexpr double delivered_min = 10;
constexpr std::size_t name_min = 4;  // Shorter ones ("url", "id") are words of any message.
// Connect's own words where converters and transforms refuse a record (RetryWithToleranceOperator).
constexpr std::string_view refused_by_stage = "Tolerance exceeded in error handler";

struct Failed {
    Subject task, connector;
    const Event* first = nullptr;
};

std::vector<Failed> failed_tasks(const Lookup& lookup) {
    std::vector<Failed> all;
    for (const Episode& episode : episodes(lookup, look_back)) {
        if (episode.subject.kind != "connector-task" || episode.exceptions.empty()) continue;
        const std::string& name = episode.subject.name;
        all.push_back({episode.subject,
                       {episode.subject.cluster, "connector", name.substr(0, name.rfind('/'))},
                       episode.exceptions.front().event});
    }
    return all;
}

const Event* last_change(const Lookup& lookup, const Failed& failed) {
    const Event* last = nullptr;
    for (const auto* event : lookup.view().timeline.about(failed.connector, lookup.now().wall - look_back))
        if (event->kind == "config-change" && event->at <= failed.first->at + look_skew) last = event;
    return last;
}

bool names(const std::string& text, const std::string& setting) {
    const auto part_of_name = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
    };
    for (auto at = text.find(setting); at != std::string::npos; at = text.find(setting, at + 1)) {
        const auto end = at + setting.size();
        const bool ends = end >= text.size() || !part_of_name(text[end]) ||
                          (text[end] == '.' && (end + 1 >= text.size() || !part_of_name(text[end + 1])));
        if ((at == 0 || !part_of_name(text[at - 1])) && ends) return true;
    }
    return false;
}

// The first of the changed settings that the text names.
std::optional<std::string> named_setting(const Event& change, const std::string& text) {
    const auto told = change.fields.find("settings");
    if (told == change.fields.end()) return std::nullopt;
    const std::string& list = told->second;
    for (std::size_t from = 0; from < list.size();) {
        const auto comma = std::min(list.find(',', from), list.size());
        std::string setting = list.substr(from, comma - from);
        std::erase(setting, ' ');
        if (setting.size() >= name_min && names(text, setting)) return setting;
        from = comma + 1;
    }
    return std::nullopt;
}

std::optional<Finding> setting_fails(const Failed& failed, const Event* change) {
    if (change == nullptr || failed.first->at < change->at - look_skew || failed.first->at - change->at > fails_within)
        return std::nullopt;
    const auto setting = named_setting(*change, failed.first->text);
    if (!setting) return std::nullopt;
    return Finding{
        .id = "changed-setting-fails",
        .subject = failed.connector,
        .since = failed.first->at,
        .weight = 1,
        .summary = "connector " + failed.connector.name + " fails since its setting " + *setting + " was changed",
        .fields = {{"connector", failed.connector.name}, {"setting", *setting}},
        .evidence = {{"event", change->id, "settings were changed: " + *setting, 0, change->at},
                     {"trace", failed.first->id, "the failure names " + *setting, 0, failed.first->at}}};
}

// Records that the task has delivered between `from` and its failure; nullopt: nobody looked.
std::optional<double> delivered(const Lookup& lookup, const Failed& failed, WallTime from) {
    std::optional<double> sum;
    const auto task = failed.task.name.substr(failed.task.name.rfind('/') + 1);
    for (const auto series :
         lookup.select("connect_task_records_total",
                       {{"cluster", failed.task.cluster}, {"connector", failed.connector.name}, {"task", task}})) {
        const Sample* before = nullptr;
        const auto samples = lookup.history(series, look_back);
        for (const Sample& sample : samples) {
            if (sample.at_ms <= from.unix_ms || sample.at_ms > failed.first->at.unix_ms) continue;
            if (before != nullptr) sum = sum.value_or(0) + std::max(0.0, sample.value - before->value);
            before = &sample;
        }
    }
    return sum;
}

std::optional<Finding> record_refused(const Lookup& lookup, const Failed& failed, const Event* change) {
    if (failed.first->text.find(refused_by_stage) == std::string::npos) return std::nullopt;
    const WallTime from = change != nullptr ? change->at : failed.first->at - look_back;
    const auto good = delivered(lookup, failed, from);
    if (!good || *good < delivered_min) return std::nullopt;
    return Finding{.id = "record-refused-after-good-ones",
                   .subject = failed.task,
                   .since = failed.first->at,
                   .weight = 1,
                   .summary = "task " + failed.task.name + " cannot convert a record, and delivered " +
                              std::to_string(static_cast<std::int64_t>(*good)) + " before with the same settings",
                   .fields = {{"connector", failed.connector.name}},
                   .evidence = {{"metric", "connect_task_records_total",
                                 std::to_string(static_cast<std::int64_t>(*good)) +
                                     " records were delivered with the present settings",
                                 *good, failed.first->at}}};
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const Failed& failed : failed_tasks(lookup)) {
        const Event* change = last_change(lookup, failed);
        if (auto finding = setting_fails(failed, change)) found.push_back(std::move(*finding));
        if (auto finding = record_refused(lookup, failed, change)) found.push_back(std::move(*finding));
    }
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"connector_settings",
            "Failures of connector tasks against the last change of their settings.",
            {"changed-setting-fails", "record-refused-after-good-ones"},
            run,
            "connect_task_state"};
}

}  // namespace medic::analyzers::connector_settings
