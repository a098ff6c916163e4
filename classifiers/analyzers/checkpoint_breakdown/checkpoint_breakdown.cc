// checkpoint-…: why a job's checkpoints are slow, expire or fail, from the parts of the slowest subtask: barriers that
// come late, a subtask behind its siblings, storage that is slow, state that is large or uneven, work on the task's own
// thread. A quick checkpoint after a slow one ends it; one slow checkpoint is none. What the collector did not ask
// about is not told.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::checkpoint_breakdown {
namespace {

// The collector asks once a minute; three such rounds without news are no news.
constexpr Duration recent{4 * 60'000};
constexpr Duration history{15 * 60'000};
constexpr Duration busy_window{60'000};
constexpr std::size_t samples_needed = 3;  // In it.
// AWS's recommended alarm for managed Flink: lastCheckpointDuration above half of the interval.
constexpr double slow_of_interval = 0.5;
// The same share of the time-out (Flink's default: execution.checkpointing.timeout = 10 min).
constexpr double late_of_timeout = 0.5;
constexpr double default_timeout_ms = 600'000, slow_min_ms = 10'000;
constexpr std::size_t slow_ones_needed = 2;  // Completed ones: the first after a start is slow by nature.
constexpr double dominant = 0.5;             // Of the end-to-end duration of the slowest subtask.
constexpr double over_siblings = 3.0;        // As Cruise Control's margin to the median of peers.
constexpr double uneven_state = 2.0;         // A hot key doubles a subtask's share at least (uneven_subtasks).
// AWS: one request to S3 moves 85–90 MB/s. A tenth of that is a slow store, not a large state.
constexpr double slow_bytes_per_second = 8.5e6;
// More subtasks than this share without acknowledgement are no stragglers.
constexpr double stragglers_share_max = 0.25;
constexpr double limit_busy = 0.7, waits = 0.5;  // As capacity_mismatch: who is busy while others wait for it.

struct Part {
    const Event* event = nullptr;
    std::int64_t checkpoint = 0;
    [[nodiscard]] std::string text(const std::string& name) const {
        const auto found = event->fields.find(name);
        return found == event->fields.end() ? "" : found->second;
    }
    [[nodiscard]] std::optional<double> number(const std::string& name) const {
        const std::string value = text(name);
        std::int64_t out = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
        if (error != std::errc{} || end != value.data() + value.size()) return std::nullopt;
        return static_cast<double>(out);
    }
};

// Whether so long a checkpoint is too long for this job. Without an interval, only its time-out can say so.
bool too_slow(const Lookup& lookup, const Subject& job, const Part& part) {
    const auto took = part.number("duration_ms");
    if (!took || *took < slow_min_ms) return false;
    // One that a failure of the job ended says nothing of slowness.
    if (part.text("status") == "failed" && part.text("expired") == "true") return true;
    const double timeout = lookup.number(job, "checkpoint_timeout_ms").value_or(default_timeout_ms);
    if (*took >= late_of_timeout * timeout) return true;
    const auto interval = lookup.number(job, "checkpoint_interval_ms");
    return part.text("status") == "completed" && interval && *took >= slow_of_interval * *interval;
}

// The job's slow checkpoints, newest first. Empty when the newest are not slow, or a quick one has come after them.
std::vector<Part> slow_parts(const Lookup& lookup, const Subject& job) {
    std::vector<Part> parts;
    for (const auto* event : lookup.view().timeline.about(job, lookup.now().wall - history))
        if (event->kind == "checkpoint-parts") {
            Part part{event, 0};
            part.checkpoint = static_cast<std::int64_t>(part.number("checkpoint").value_or(-1));
            if (too_slow(lookup, job, part)) parts.push_back(part);
        }
    std::ranges::stable_sort(parts, [](const Part& a, const Part& b) { return a.event->at > b.event->at; });
    if (parts.empty() || lookup.now().wall - parts.front().event->at > recent) return {};
    const LabelValues which{{"cluster", job.cluster}, {"job", job.name}};
    const auto done = lookup.value("flink_checkpoint_last_completed_timestamp_seconds", which),
               took = lookup.value("flink_checkpoint_last_duration_seconds", which);
    const bool recovered = done && took && *done * 1000 > static_cast<double>(parts.front().event->at.unix_ms) &&
                           *took * 1000 < slow_min_ms;
    if (recovered) return {};
    const auto newest = parts.front().checkpoint;
    const bool ended = parts.front().text("status") == "completed";
    const bool again = std::ranges::any_of(parts, [&](const Part& part) { return part.checkpoint != newest; });
    static_assert(slow_ones_needed == 2);
    if (ended && !again) return {};
    return parts;
}

// What a verdict says: which finding, about which vertex and subtask, in which part the time went.
struct Verdict {
    std::string id, what;
    Part part;
    std::string subtask, name;  // name: start_delay, alignment, sync, async, or missing.
    double weight = 1;
};

double of(const Part& part, const char* name) { return part.number(name).value_or(0); }

std::string tenths(long value) { return std::to_string(value / 10) + "." + std::to_string(value % 10); }

std::string seconds(double ms) {
    return ms < 10'000 ? tenths(std::lround(ms / 100)) + " s" : spoken(Duration{static_cast<std::int64_t>(ms)});
}

// A vertex that some of its subtasks have acknowledged and few have not; its successors wait for those few.
std::optional<Verdict> stragglers(const std::vector<Part>& newest) {
    for (const Part& part : newest) {
        const double all = of(part, "subtasks"), told = of(part, "acknowledged"), missing = all - told;
        if (told < 1 || missing < 1 || missing > std::max(1.0, stragglers_share_max * all)) continue;
        return Verdict{
            .id = "checkpoint-subtask-late",
            .what = "has not acknowledged it while " + std::to_string(static_cast<int>(told)) + " siblings have",
            .part = part,
            .subtask = part.text("missing"),
            .name = "missing"};
    }
    return std::nullopt;
}

Verdict by_async(const Part& part) {
    const double async = of(part, "async_ms");
    const auto usual = part.number("usual_async_ms"), bytes = part.number("state_bytes"),
               usual_bytes = part.number("usual_state_bytes");
    Verdict verdict{.id = "", .what = "", .part = part, .subtask = part.text("slowest"), .name = "async"};
    const std::string took = "writes its state for " + seconds(async);
    if (usual && async >= over_siblings * std::max(1.0, *usual)) {
        const bool more = bytes && usual_bytes && *bytes >= uneven_state * std::max(1.0, *usual_bytes);
        verdict.id = more ? "checkpoint-state-skewed" : "checkpoint-subtask-late";
        verdict.what = took + ", its siblings for " + seconds(*usual) +
                       (more ? "; its state is " + std::to_string(std::lround(*bytes / std::max(1.0, *usual_bytes))) +
                                   " times as large"
                             : std::string("; its state is no larger"));
        if (!more && !(bytes && usual_bytes)) verdict.id.clear();  // Nobody can say which.
        return verdict;
    }
    if (!bytes || async <= 0) return verdict;
    const double rate = *bytes * 1000 / async;
    verdict.id = rate < slow_bytes_per_second ? "checkpoint-storage-slow" : "checkpoint-state-large";
    verdict.what =
        took + ": " + std::to_string(std::lround(*bytes / 1e6)) + " MB at " + tenths(std::lround(rate / 1e5)) + " MB/s";
    return verdict;
}

std::optional<Verdict> by_parts(const std::vector<Part>& newest) {
    const auto worst = std::ranges::max_element(newest, {}, [](const Part& part) { return of(part, "end_to_end_ms"); });
    const double whole = of(*worst, "end_to_end_ms");
    if (whole <= 0) return std::nullopt;
    // A successor's barriers wait for its predecessor's work: what is spent on work itself decides before waiting does.
    for (const char* name : {"sync_ms", "async_ms", "alignment_ms", "start_delay_ms"}) {
        const auto most = std::ranges::max_element(newest, {}, [&](const Part& part) { return of(part, name); });
        const double took = of(*most, name);
        if (took < dominant * whole) continue;
        Verdict verdict{.id = "", .what = "", .part = *most, .subtask = most->text("slowest"), .name = name};
        verdict.name.resize(verdict.name.size() - 3);
        if (verdict.name == "async") {
            verdict = by_async(*most);
            if (verdict.id.empty()) return std::nullopt;
        } else if (verdict.name == "sync") {
            verdict.id = "checkpoint-sync-slow";
            verdict.what = "takes its snapshot on the task's own thread for " + seconds(took);
        } else {
            verdict.id = "checkpoint-barriers-late";
            verdict.what = verdict.name == "alignment"
                               ? "waits " + seconds(took) + " for the barriers of its slower inputs"
                               : "gets the barrier only after " + seconds(took);
        }
        return verdict;
    }
    return std::nullopt;
}

struct Limit {
    std::string vertex;  // The one that others wait for; "" when nobody is busy enough.
    double busy = 0, waiting = 0;
    std::string waits;  // Who waits longest for output buffers.
};

Limit limit_of(const Lookup& lookup, const Subject& job) {
    const LabelValues labels{{"cluster", job.cluster}, {"job", job.name}};
    Limit limit;
    const auto each = [&](const char* name, const auto& take) {
        for (const auto series : lookup.select(name, labels))
            if (lookup.value(series))
                if (const auto samples = lookup.history(series, busy_window); samples.size() >= samples_needed)
                    take(lookup.label(series, "vertex"), mean_of(samples));
    };
    each("flink_subtask_backpressured_ratio", [&](const std::string& vertex, double value) {
        if (value > limit.waiting) limit.waiting = value, limit.waits = vertex;
    });
    each("flink_subtask_busy_ratio", [&](const std::string& vertex, double value) {
        if (value >= limit_busy && value > limit.busy && vertex != limit.waits)
            limit.busy = value, limit.vertex = vertex;
    });
    return limit;
}

// No subtask of a vertex has acknowledged: the barrier never got there. Only where somebody waits is that backpressure.
std::optional<Verdict> unreached(const std::vector<Part>& newest, const Limit& limit) {
    const auto part = std::ranges::find_if(newest, [](const Part& one) { return of(one, "acknowledged") < 1; });
    if (part == newest.end() || limit.waiting < waits) return std::nullopt;
    return Verdict{.id = "checkpoint-barriers-late",
                   .what = "has not got the barrier after " + seconds(of(*part, "duration_ms")),
                   .part = *part,
                   .subtask = "",
                   .name = "start_delay"};
}

void name_taskmanager(const Lookup& lookup, const Subject& job, Finding& finding) {
    const auto subtask = finding.fields.find("subtask");
    if (subtask == finding.fields.end() || subtask->second.find(',') != std::string::npos) return;
    for (const auto series : lookup.select("flink_subtask_state", {{"cluster", job.cluster},
                                                                   {"job", job.name},
                                                                   {"vertex", finding.fields["vertex"]},
                                                                   {"subtask", subtask->second}}))
        if (lookup.value(series).value_or(0) == 1 && !lookup.label(series, "taskmanager").empty())
            finding.fields["taskmanager"] = lookup.label(series, "taskmanager");
}

void add_growth(const Lookup& lookup, const Subject& job, Finding& finding) {
    for (const auto series :
         lookup.select("flink_checkpoint_last_size_bytes", {{"cluster", job.cluster}, {"job", job.name}})) {
        const auto sizes = lookup.history(series, Duration{3'600'000});
        if (sizes.size() < 2 || sizes.front().value <= 0 || sizes.back().value < 1.5 * sizes.front().value) continue;
        const auto megabytes = [](double bytes) { return std::to_string(std::lround(bytes / 1e6)) + " MB"; };
        finding.evidence.push_back({"metric", "flink_checkpoint_last_size_bytes",
                                    "checkpoints have grown from " + megabytes(sizes.front().value) + " to " +
                                        megabytes(sizes.back().value) + " in " +
                                        spoken(Duration{sizes.back().at_ms - sizes.front().at_ms}),
                                    sizes.back().value, WallTime{sizes.back().at_ms}});
    }
}

void add_breakdown(const Part& part, Finding& finding) {
    if (!part.number("end_to_end_ms")) return;
    std::string text = "subtask " + part.text("slowest") + " of " + part.text("vertex") + ":";
    for (const auto& [name, word] : {std::pair{"start_delay_ms", "start delay"},
                                     {"alignment_ms", "alignment"},
                                     {"sync_ms", "sync"},
                                     {"async_ms", "async"}}) {
        const auto value = part.number(name), usual = part.number(std::string("usual_") + name);
        if (!value) continue;
        text += (text.back() == ':' ? " " : ", ") + std::string(word) + " " + seconds(*value);
        if (usual) text += " (siblings " + seconds(*usual) + ")";
    }
    finding.evidence.push_back({"event", part.event->id, text, of(part, "end_to_end_ms"), part.event->at});
}

Finding tell(const Lookup& lookup, const Subject& job, const Verdict& verdict, const Limit& limit, WallTime since) {
    const Part& part = verdict.part;
    const std::string vertex = part.text("vertex"), status = part.text("status");
    Finding finding{.id = verdict.id,
                    .subject = job,
                    .since = since,
                    .weight = verdict.weight,
                    .summary = "",
                    .fields = {{"job", job.name}, {"vertex", vertex}, {"part", verdict.name}},
                    .evidence = {}};
    finding.fields["checkpoint"] = part.text("checkpoint");
    if (!verdict.subtask.empty()) finding.fields["subtask"] = verdict.subtask;
    const std::string how = status == "failed"      ? "failed after "
                            : status == "completed" ? "took "
                                                    : "has been under way for ";
    const std::string about = verdict.subtask.empty() ? vertex : "subtask " + verdict.subtask + " of " + vertex;
    finding.summary = "checkpoint " + part.text("checkpoint") + " of job " + job.name + " " + how +
                      seconds(of(part, "duration_ms")) + ": " + about + " " + verdict.what;
    if (verdict.id == "checkpoint-barriers-late" && !limit.vertex.empty()) {
        finding.fields["limit"] = limit.vertex;
        finding.summary += "; " + limit.vertex + " limits the job";
        finding.evidence.push_back({"metric", "flink_subtask_busy_ratio",
                                    limit.vertex + " is busy " + percent_of(limit.busy) + " of the time", limit.busy,
                                    lookup.now().wall});
    }
    if (verdict.id == "checkpoint-subtask-late") name_taskmanager(lookup, job, finding);
    add_breakdown(part, finding);
    if (finding.evidence.empty())
        finding.evidence.push_back({"event", part.event->id, finding.summary, of(part, "duration_ms"), part.event->at});
    add_growth(lookup, job, finding);
    return finding;
}

std::optional<Finding> examine(const Lookup& lookup, const Subject& job) {
    const auto parts = slow_parts(lookup, job);
    if (parts.empty() || lookup.starved(job.cluster)) return std::nullopt;
    std::vector<Part> newest;
    for (const Part& part : parts)
        if (part.checkpoint == parts.front().checkpoint && part.event->at == parts.front().event->at)
            newest.push_back(part);
    const Limit limit = limit_of(lookup, job);
    auto verdict = stragglers(newest);
    if (!verdict) verdict = unreached(newest, limit);
    if (!verdict) verdict = by_parts(newest);
    if (!verdict) return std::nullopt;
    return tell(lookup, job, *verdict, limit, parts.back().event->at);
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const Subject& job : lookup.jobs_running_for(Duration{0}))
        if (auto finding = examine(lookup, job)) found.push_back(std::move(*finding));
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"checkpoint_breakdown",
            "Where the time of slow and failing checkpoints goes: barriers, stragglers, storage, state, snapshots.",
            {"checkpoint-barriers-late", "checkpoint-subtask-late", "checkpoint-state-skewed",
             "checkpoint-storage-slow", "checkpoint-state-large", "checkpoint-sync-slow"},
            run,
            "flink_job_state and flink_checkpoints_in_progress",
            Duration{10'000}};
}

}  // namespace medic::analyzers::checkpoint_breakdown
