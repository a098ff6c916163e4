// function-hangs: a job RUNNING whose function does not come back. A subtask that is busy all the time, has taken and
// given no record since, and whose thread is found in the same place of the job's own code again and again. One that
// uses the processor meanwhile goes round in circles and is told after two dumps; one that waits may be in a call that
// takes its time, so that longer is waited than any sensible time-out. A thread in a connector, a client or Flink is
// another story, and gives nothing.
#include <algorithm>
#include <map>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/lookup.h"
#include "classifiers/diagnosis/trace/lines.h"
#include "classifiers/diagnosis/trace/owner.h"

namespace medic::analyzers::function_hangs {
namespace {

constexpr Duration look_back{5 * 60'000};
// The collector asks every 15 s as long as the subtask stands.
constexpr Duration recent{40'000};
// Between the first and the last of its dumps; the collector begins when 15 s have passed without a record.
constexpr Duration spins_for{12'000}, waits_for{90'000};
constexpr double spins_on_cores = 0.5;
constexpr Duration cpu_window{30'000}, cpu_span{8'000};

struct Place {
    std::string function, location;
    bool operator==(const Place&) const = default;
};

// The innermost frame that is not the language's own, if it is the job's; nullopt: somebody else's, or no stack.
std::optional<Place> own_place(std::string_view thread) {
    while (!thread.empty()) {
        const auto end = thread.find('\n');
        std::string_view line = thread.substr(0, end);
        thread.remove_prefix(end == std::string_view::npos ? thread.size() : end + 1);
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        const auto frame = trace::parse_frame(line);
        if (!frame) continue;
        const FrameOwner owner = owner_of(frame->function, frame->location, {.component = Component::flink});
        if (owner == FrameOwner::jdk) continue;
        if (owner != FrameOwner::user) return std::nullopt;
        return Place{std::string(frame->function), std::string(frame->location)};
    }
    return std::nullopt;
}

struct Standing {
    const Event* first = nullptr;
    const Event* last = nullptr;
    Place place;
    bool runnable = true;  // In every dump.
};

std::string field(const Event& event, const char* name) {
    const auto found = event.fields.find(name);
    return found == event.fields.end() ? "" : found->second;
}

// By vertex and subtask of this run of the job: how long its thread has been in one place, up to the newest dump.
std::map<std::pair<std::string, std::string>, Standing> standing(const Lookup& lookup, const Subject& job) {
    std::map<std::pair<std::string, std::string>, Standing> found;
    const auto id = lookup.view().topology.attribute(job, "id");
    for (const auto* event : lookup.view().timeline.about(job, lookup.now().wall - look_back)) {
        if (event->kind != "thread-dump" || field(*event, "job_id") != id) continue;
        const std::pair key{field(*event, "vertex"), field(*event, "subtask")};
        const auto place = own_place(event->text);
        const auto known = found.find(key);
        if (!place) {
            if (known != found.end()) found.erase(known);
            continue;
        }
        const bool goes_on = known != found.end() && known->second.place.function == place->function &&
                             event->at - known->second.last->at <= recent;
        if (!goes_on) found[key] = Standing{.first = event, .last = event, .place = *place};
        Standing& one = found[key];
        one.last = event;
        one.place = *place;
        one.runnable = one.runnable && field(*event, "state") == "RUNNABLE";
    }
    std::erase_if(found, [&](const auto& one) { return lookup.now().wall - one.second.last->at > recent; });
    return found;
}

// It took and gave nothing since its first dump: two dumps in the same function may have had records between them.
bool moved_nothing(const Lookup& lookup, const LabelValues& subtask, WallTime since) {
    bool told = false;
    for (const char* name : {"flink_subtask_records_in_total", "flink_subtask_records_out_total"})
        for (const auto series : lookup.select(name, subtask)) {
            const auto samples = lookup.history(series, lookup.now().wall - since);
            if (samples.empty()) continue;
            told = true;
            if (samples.back().value != samples.front().value) return false;
        }
    return told;
}

bool uses_cpu(const Lookup& lookup, const std::string& cluster, const std::string& task_manager) {
    const auto node = lookup.node_of({cluster, "taskmanager", task_manager});
    if (!node) return false;
    for (const auto series : lookup.select("process_cpu_seconds_total", {{"cluster", cluster}, {"node", *node}}))
        if (lookup.value(series)) return rate_of(lookup.history(series, cpu_window), cpu_span) >= spins_on_cores;
    return false;
}

void say(Finding& finding, const std::string& vertex, const std::string& subtask, const Standing& one, bool spins) {
    const std::string where = one.place.function + "(" + one.place.location + ")";
    finding.fields = {{"job", finding.subject.name},
                      {"vertex", vertex},
                      {"subtask", subtask},
                      {"taskmanager", field(*one.last, "taskmanager")},
                      {"frame", one.place.function},
                      {"location", one.place.location},
                      {"how", spins ? "spins" : "waits"}};
    finding.since = one.first->at;
    finding.summary = vertex + " (" + subtask + ") does not come back from " + where + ": it " +
                      (spins ? "goes round in circles" : "waits") + ", and no record has moved for " +
                      spoken(one.last->at - one.first->at) + " and more";
}

void examine(const Lookup& lookup, const Subject& job, std::vector<Finding>& found) {
    Finding finding{.id = "function-hangs", .subject = job, .weight = 1};
    for (const auto& [key, one] : standing(lookup, job)) {
        const auto& [vertex, subtask] = key;
        const bool spins = one.runnable && uses_cpu(lookup, job.cluster, field(*one.last, "taskmanager"));
        if (one.last->at - one.first->at < (spins ? spins_for : waits_for)) continue;
        const LabelValues which{{"cluster", job.cluster}, {"job", job.name}, {"vertex", vertex}, {"subtask", subtask}};
        if (!moved_nothing(lookup, which, one.first->at)) continue;
        if (finding.fields.empty()) say(finding, vertex, subtask, one, spins);
        finding.evidence.push_back({"thread-dump", one.last->id,
                                    vertex + " (" + subtask + ") is " + field(*one.last, "state") + " at " +
                                        one.place.function + "(" + one.place.location + "), as " +
                                        spoken(one.last->at - one.first->at) + " before",
                                    0, one.last->at});
        if (finding.evidence.size() >= 3) break;  // The others say the same.
    }
    if (!finding.fields.empty()) found.push_back(std::move(finding));
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const Subject& job : lookup.jobs_running_for(Duration{0})) examine(lookup, job, found);
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"function_hangs",
            "A function of a running job that does not come back.",
            {"function-hangs"},
            run,
            "flink_subtask_records_out_total and flink_job_state"};
}

}  // namespace medic::analyzers::function_hangs
