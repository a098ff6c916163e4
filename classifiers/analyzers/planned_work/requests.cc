// What somebody asked for: a job canceled or stopped with a savepoint, a connector paused or stopped, and work that
// people told of beforehand.
#include <algorithm>
#include <charconv>

#include "classifiers/analyzers/planned_work/planned_internal.h"

namespace medic::analyzers::planned_work {
namespace {

// A failure this shortly before the end makes it no planned one.
constexpr Duration failure_suspect{60'000};

bool failed_lately(const Lookup& lookup, const Subject& job, WallTime ended) {
    return std::ranges::any_of(lookup.view().timeline.about(job, ended - failure_suspect),
                               [](const Event* event) { return event->kind == "exception"; });
}

void job(const Lookup& lookup, SeriesId series, std::vector<Finding>& found) {
    const auto state = lookup.label(series, "state");
    if (state != "CANCELED" && state != "CANCELLING" && state != "FINISHED") return;
    if (lookup.value(series) != 1) return;
    const auto moved = lookup.motion(series, look_back);
    // Only who was seen to change: a job that ended before we looked is history.
    if (!moved) return;
    const Subject about{lookup.label(series, "cluster"), "job", lookup.label(series, "job")};
    const LabelValues running{{"cluster", about.cluster}, {"job", about.name}, {"state", "RUNNING"}};
    const auto before = lookup.select("flink_job_state", running);
    const bool ran = std::ranges::any_of(before, [&](SeriesId id) {
        return std::ranges::any_of(lookup.history(id, look_back), [&](const Sample& sample) {
            return sample.value == 1 && sample.at_ms <= moved->changed.unix_ms;
        });
    });
    if (!ran || failed_lately(lookup, about, moved->changed)) return;
    const Duration ago = lookup.now().wall - moved->changed;
    if (ago > lookup.view().planned_grace) return;
    found.push_back(finding_of(
        {.subject = about,
         .kind = "stop",
         .since = moved->changed,
         .what = "job " + about.name + " was ended by request (" + state + ")",
         .who = {{"job", about.name}},
         .evidence = {{"metric", "flink_job_state", "it went to " + state + " from RUNNING, without a failure before",
                       1, moved->changed}},
         .doubt = ""}));
}

void connector(const Lookup& lookup, SeriesId series, std::vector<Finding>& found) {
    const auto state = lookup.label(series, "state");
    if ((state != "PAUSED" && state != "STOPPED") || lookup.value(series).value_or(0) != 1) return;
    const Subject about{lookup.label(series, "cluster"), "connector", lookup.label(series, "connector")};
    const auto since = lookup.since(series, look_back).value_or(lookup.now().wall);
    found.push_back(
        finding_of({.subject = about,
                    .kind = "stop",
                    .since = since,
                    .what = "connector " + about.name + " is " + state + " by request",
                    .who = {{"connector", about.name}},
                    .evidence = {{"metric", "connect_connector_state", "the worker reports it as " + state, 1, since}},
                    .doubt = ""}));
}

std::optional<WallTime> until(const Event& event) {
    const auto told = event.fields.find("until_ms");
    std::int64_t at = 0;
    if (told == event.fields.end()) return std::nullopt;
    const auto& text = told->second;
    if (std::from_chars(text.data(), text.data() + text.size(), at).ec != std::errc{}) return std::nullopt;
    return WallTime{at};
}

std::optional<WallTime> open_until(const Lookup& lookup, const Event& event) {
    if (event.kind != "maintenance") return std::nullopt;
    const auto end = until(event);
    return end && lookup.now().wall <= *end ? end : std::nullopt;
}

}  // namespace

bool told_of(const Lookup& lookup, const Subject& subject) {
    return std::ranges::any_of(lookup.view().timeline.since({0}), [&](const Event* event) {
        return event->subject.cluster == subject.cluster &&
               (event->subject == subject || event->subject.kind == "cluster") && open_until(lookup, *event);
    });
}

void find_requests(const Lookup& lookup, std::vector<Finding>& found) {
    for (const auto series : lookup.select("flink_job_state")) job(lookup, series, found);
    for (const auto series : lookup.select("connect_connector_state")) connector(lookup, series, found);
}

void find_notices(const Lookup& lookup, std::vector<Finding>& found) {
    for (const auto* event : lookup.view().timeline.since({0})) {
        if (!open_until(lookup, *event)) continue;
        const auto by = event->fields.find("by");
        Work work{.subject = event->subject,
                  .kind = "maintenance",
                  .since = event->at,
                  .what = "maintenance of " + event->subject.kind + "/" + event->subject.name + " was told" +
                          (by == event->fields.end() ? "" : " by " + by->second) +
                          (event->text.empty() ? "" : ": " + event->text.substr(0, 200)),
                  .who = {{event->subject.kind, event->subject.name}},
                  .evidence = {{"event", event->id, "told over the API", 0, event->at}},
                  .doubt = ""};
        if (event->subject.kind == "broker" || event->subject.kind == "worker" || event->subject.kind == "taskmanager")
            if (const auto node = lookup.node_of(event->subject)) work.who["node"] = *node;
        found.push_back(finding_of(std::move(work)));
    }
}

}  // namespace medic::analyzers::planned_work
