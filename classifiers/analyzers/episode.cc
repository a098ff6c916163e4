#include "classifiers/analyzers/episode.h"

#include <algorithm>
#include <array>

namespace medic::analyzers {
namespace {

// A later exception takes the place of a noisy first one only when it came with it: clocks of task managers differ.
constexpr Duration concurrent_within{3'000};

// Classes and stems that report somebody else's failure.
bool is_noise(std::string_view type, std::string_view message) {
    constexpr std::array types{
        std::string_view{"CancelTaskException"},        std::string_view{"Cancelled"},
        std::string_view{"RemoteTransportException"},   std::string_view{"LocalTransportException"},
        std::string_view{"PartitionNotFoundException"}, std::string_view{"ClosedChannelException"},
        std::string_view{"InterruptedException"},       std::string_view{"TaskManagerLost"},
        std::string_view{"JobMasterException"}};
    for (const auto noisy : types)
        if (type.ends_with(noisy)) return true;
    constexpr std::array stems{std::string_view{"Buffer pool is destroyed"},
                               std::string_view{"Job is being suspended"},
                               std::string_view{"is no longer reachable"},
                               std::string_view{"Heartbeat of TaskManager"},
                               std::string_view{"Lost connection to task manager"},
                               std::string_view{"closed by remote task manager"},
                               std::string_view{"because the recipient is unreachable"},
                               std::string_view{"Trying to access closed classloader"},
                               std::string_view{"Exceeded checkpoint tolerable failure threshold"}};
    for (const auto stem : stems)
        if (message.find(stem) != std::string_view::npos) return true;
    return false;
}

// Whatever the channel's own error is called (it differs by transport: epoll's, a socket's), a connection to a peer
// broke. A peer's failure that names the job's own code is more than that.
bool is_a_broken_connection(const Failure& failure, const std::optional<FrameOwner>& owner) {
    return owner != FrameOwner::user && std::ranges::any_of(failure.chain, [](const Throwable& one) {
               return one.relation != Throwable::Relation::suppressed &&
                      (one.type.ends_with("RemoteTransportException") || one.type.ends_with("LocalTransportException"));
           });
}

bool same_failure(const ExceptionEvent& one, const ExceptionEvent& other) {
    return one.type == other.type && one.frame == other.frame;
}

// What the job manager says may be older than the failure by so much: its execution graph is kept
// for 3 s (web.refresh-interval), and we look every second.
constexpr Duration told_late{5'000};

// Whether any of these counters was seen to grow in between. Not known counts as no.
bool grew_between(const Lookup& lookup, const std::vector<SeriesId>& counters, WallTime from, WallTime to) {
    return std::ranges::any_of(counters, [&](SeriesId series) {
        std::optional<double> before;
        for (const Sample& look : lookup.history(series, lookup.now().wall - from)) {
            const WallTime at{look.at_ms};
            if (at <= from + told_late || at >= to) continue;
            if (before && look.value > *before) return true;
            before = look.value;
        }
        return false;
    });
}

// Then the restart has worked, and the job did what it is for.
bool completed_checkpoint_between(const Lookup& lookup, const Subject& job, WallTime from, WallTime to) {
    return grew_between(
        lookup, lookup.select("flink_checkpoints_completed_total", {{"cluster", job.cluster}, {"job", job.name}}), from,
        to);
}

// A job that has run for so long up to a failure, and has completed a checkpoint in the meantime, was well again:
// unlike the time since the last failure this doesn't count the back-off (up to a minute) in which it did not run.
constexpr Duration well_after{45'000};

// `running`: series that are 1 while it runs.
bool ran_up_to(const Lookup& lookup, const std::vector<SeriesId>& running, WallTime failure) {
    const WallTime from = failure - well_after;
    return std::ranges::any_of(running, [&](SeriesId series) {
        auto samples = lookup.history(series, lookup.now().wall - from);
        std::erase_if(samples, [&](const Sample& one) { return WallTime{one.at_ms} >= failure; });
        return spans(samples, well_after - told_late) &&
               std::ranges::all_of(samples, [](const Sample& one) { return one.value == 1; });
    });
}

bool job_ran_up_to(const Lookup& lookup, const Subject& job, WallTime failure) {
    return ran_up_to(
        lookup, lookup.select("flink_job_state", {{"cluster", job.cluster}, {"job", job.name}, {"state", "RUNNING"}}),
        failure);
}

// A connector's task is started anew only from outside: by an operator, an agent, a change of its settings. It is well
// again once it has run for a while or passed records on.
bool task_was_well_between(const Lookup& lookup, const Subject& task, WallTime from, WallTime failure) {
    const auto slash = task.name.rfind('/');
    if (slash == std::string::npos) return false;
    const std::string connector = task.name.substr(0, slash), number = task.name.substr(slash + 1);
    const LabelValues which{{"cluster", task.cluster}, {"connector", connector}, {"task", number}};
    LabelValues running = which;
    running.emplace_back("state", "RUNNING");
    return ran_up_to(lookup, lookup.select("connect_task_state", running), failure) ||
           grew_between(lookup, lookup.select("connect_task_records_total", which), from, failure);
}

// The newest that does not only tell of lost peers.
const ExceptionEvent* last_of_its_own(const Episode& episode) {
    const auto& all = episode.exceptions;
    const auto own = std::ranges::find(all.rbegin(), all.rend(), false, &ExceptionEvent::noise);
    return own == all.rend() ? nullptr : &*own;
}

// Restarts by Flink itself keep a job's id.
bool is_another_run(const ExceptionEvent& one, const ExceptionEvent& other) {
    const auto id = one.event->fields.find("job_id"), other_id = other.event->fields.find("job_id");
    return id != one.event->fields.end() && other_id != other.event->fields.end() && id->second != other_id->second;
}

bool was_seen(const Episode& episode, const ExceptionEvent& failure) {
    return std::ranges::any_of(episode.exceptions,
                               [&](const ExceptionEvent& earlier) { return same_failure(earlier, failure); });
}

// Another failure of a job that had recovered meanwhile: long after the last one, or after a checkpoint. What waits for
// slots (five minutes by default) belongs to what took them.
bool begins_another(const Lookup& lookup, const Episode& so_far, const ExceptionEvent& next) {
    const auto& last = so_far.exceptions.back();
    if (so_far.subject.kind == "connector-task")
        return !was_seen(so_far, next) && task_was_well_between(lookup, so_far.subject, last.event->at, next.event->at);
    if (so_far.subject.kind != "job" || next.type.ends_with("NoResourceAvailableException")) return false;
    // Those so far told of a peer that was lost. The job is over that and fails by itself now.
    if (!next.noise && std::ranges::all_of(so_far.exceptions, &ExceptionEvent::noise)) {
        const WallTime from = last.event->at, to = next.event->at;
        if (completed_checkpoint_between(lookup, so_far.subject, from, to)) return true;
        // The job's own code, after all its tasks had been running again.
        if (next.owner == FrameOwner::user && ran_between(lookup, so_far.subject, from + told_late, to).value_or(false))
            return true;
    }
    // A peer that is lost again is lost anew: only what failed by itself can be the same failure.
    if (!next.noise && was_seen(so_far, next)) return false;
    // Somebody has started it anew, and it ran: what ended the run before is over, be it mended or not.
    if (const ExceptionEvent* own = last_of_its_own(so_far);
        own != nullptr && !next.noise && is_another_run(*own, next) &&
        ran_between(lookup, so_far.subject, own->event->at, next.event->at).value_or(false))
        return true;
    if (next.event->at - last.event->at <= recovered_after)
        return job_ran_up_to(lookup, so_far.subject, next.event->at) &&
               completed_checkpoint_between(lookup, so_far.subject, last.event->at, next.event->at);
    return ran_between(lookup, so_far.subject, last.event->at, next.event->at).value_or(true);
}

// Nobody may have seen the job run in between. The same failure of its own code, time and again and without another
// lost peer, is what holds it up now, whatever ended its first attempt.
void forget_what_it_got_over(std::vector<ExceptionEvent>& exceptions) {
    const auto own = std::ranges::find(exceptions, false, &ExceptionEvent::noise);
    if (own == exceptions.begin() || own == exceptions.end() || own->owner != FrameOwner::user) return;
    const auto after = std::ranges::subrange(std::next(own), exceptions.end());
    if (std::ranges::none_of(after, &ExceptionEvent::noise) &&
        std::ranges::any_of(after, [&](const ExceptionEvent& later) { return same_failure(*own, later); }))
        exceptions.erase(exceptions.begin(), own);
}

std::size_t starter(const std::vector<ExceptionEvent>& exceptions) {
    const auto& oldest = exceptions.front();
    if (!oldest.noise) return 0;
    for (std::size_t i = 1; i < exceptions.size(); ++i) {
        if (exceptions[i].event->at - oldest.event->at > concurrent_within) break;
        if (!exceptions[i].noise) return i;
    }
    return 0;
}

}  // namespace

std::optional<bool> ran_between(const Lookup& lookup, const Subject& job, WallTime from, WallTime to) {
    std::optional<bool> ran;
    for (const auto series :
         lookup.select("flink_job_state", {{"cluster", job.cluster}, {"job", job.name}, {"state", "RUNNING"}}))
        for (const auto& sample : lookup.history(series, lookup.now().wall - from)) {
            if (WallTime{sample.at_ms} <= from || WallTime{sample.at_ms} >= to) continue;
            ran = ran.value_or(false) || sample.value == 1;
        }
    return ran;
}

ExceptionEvent read_exception(const Event& event) {
    Ownership ownership;
    ownership.component = event.subject.kind.starts_with("connector") ? Component::connect : Component::flink;
    ExceptionEvent out{
        .event = &event, .type = "", .message = "", .frame = "", .location = "", .owner = {}, .record = {}};
    bool broken_connection = false;
    const auto text = read_failures(event.text, ownership, {.text_bytes_max = 64 * 1024, .failures_max = 4});
    out.record = text.record;
    if (text.failures.empty()) {
        const auto named = event.fields.find("exception");
        out.type = named == event.fields.end() ? "" : named->second;
        out.message = event.text.substr(0, 500);
    } else {
        const auto& failure = text.failures.front();
        out.type = failure.root().type;
        out.message = failure.root().message;
        if (const auto* frame = failure.deciding()) {
            out.frame = frame->function;
            out.location = frame->location;
            out.owner = frame->owner;
        }
        broken_connection = is_a_broken_connection(failure, out.owner);
    }
    out.noise = broken_connection || is_noise(out.type, out.message);
    return out;
}

std::vector<const Event*> deployments(const View& view, const Subject& job, WallTime from) {
    auto found = view.timeline.about(job, from);
    std::erase_if(found, [](const Event* event) { return event->kind != "deployment"; });
    std::ranges::stable_sort(found, {}, [](const Event* event) { return event->at; });
    return found;
}

std::vector<Episode> episodes(const Lookup& lookup, Duration window) {
    std::map<Subject, std::vector<const Event*>> by_subject;
    for (const auto* event : lookup.view().timeline.since(lookup.now().wall - window))
        if (event->kind == "exception") by_subject[event->subject].push_back(event);
    std::vector<Episode> all;
    for (auto& [subject, events] : by_subject) {
        Episode episode{.subject = subject, .exceptions = {}, .first = 0, .deployed = {}};
        const auto deployed = deployments(lookup.view(), subject, lookup.now().wall - window);
        if (!deployed.empty()) episode.deployed = deployed.back()->at;
        std::ranges::stable_sort(events, {}, [](const Event* event) { return event->at; });
        if (episode.deployed) std::erase_if(events, [&](const Event* event) { return event->at < *episode.deployed; });
        std::size_t start = 0;
        for (std::size_t i = 1; i < events.size(); ++i)
            if (events[i]->at - events[i - 1]->at > episode_gap) start = i;
        for (std::size_t i = start; i < events.size() && episode.exceptions.size() < episode_exceptions_max; ++i) {
            auto next = read_exception(*events[i]);
            if (!episode.exceptions.empty() && begins_another(lookup, episode, next)) episode.exceptions.clear();
            episode.exceptions.push_back(std::move(next));
            if (subject.kind == "job") forget_what_it_got_over(episode.exceptions);
        }
        if (episode.exceptions.empty()) continue;
        episode.first = starter(episode.exceptions);
        all.push_back(std::move(episode));
    }
    return all;
}

}  // namespace medic::analyzers
