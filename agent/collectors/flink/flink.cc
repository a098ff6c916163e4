#include "agent/collectors/flink/flink.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "agent/base/due.h"
#include "agent/collectors/flink/look_internal.h"

namespace medic {

using namespace flink_read;
using json_read::document;
using json_read::has_answered;

namespace {

// A slow checkpoint costs up to four questions: no more than once a minute for each job.
constexpr Duration parts_pace{60'000};

// Flink's job manager fetches its task managers' metrics every 10 s (metrics.fetcher.update-interval), and what is made
// of them (backpressure, watermarks, numRestarts) is no newer however often it is asked: read seldom, told in all
// looks. Each question costs a job manager about a millisecond of CPU.
constexpr Duration metrics_pace{5'000};
// The lowest watermark is behind by minutes before anybody is told of it.
constexpr Duration watermarks_pace{10'000};
// What the job's own answer says of a vertex comes from the same counts as the vertex's answer: as long as it says the
// same, so does that. Not for ever: a subtask that moved within one look leaves no trace in an idle job's counts.
constexpr Duration same_vertex_pace{10'000};

// Flink answers from caches that are up to 3 s old (web.refresh-interval and, from 1.18 on,
// rest.cache.checkpoint-statistics.timeout): what is told just after a job's end may be from before its last savepoint.
constexpr Duration end_is_told_after{5'000};
// Looks that ask for the end of a job in vain.
constexpr int end_asked_max = 20;

constexpr std::size_t task_managers_remembered_max = 1'000;
// How long a task manager that was seen before is told as missing: longer than any restart, shorter than a forgotten
// name's life.
constexpr Duration vanished_told_for{3600 * 1000};

// The history of a wide job has a trace of each subtask. A job manager that gives no answer is told as soon as with any
// other question.
constexpr std::size_t exceptions_bytes_max = 64 * 1024 * 1024;
constexpr Duration exceptions_patience{3'000};

// "vertex|JOB|VERTEX": which answer this is, by names that cannot hold '|' in ids.
std::string purpose(std::string_view kind, std::string_view job = {}, std::string_view vertex = {}) {
    std::string text(kind);
    if (!job.empty()) (text += '|') += job;
    if (!vertex.empty()) (text += '|') += vertex;
    return text;
}

// How long an answer is repeated instead of being asked for; zero: never.
Duration pace_of(const std::string& kind) {
    if (kind == "metrics" || kind == "backpressure" || kind == "bounds") return metrics_pace;
    if (kind == "watermarks") return watermarks_pace;
    return kind == "vertex" ? same_vertex_pace : Duration{0};
}

}  // namespace

FlinkCollector::FlinkCollector(FlinkCollectorOptions options)
    : options_(std::move(options)), memory_(std::make_unique<Memory>()) {}
FlinkCollector::~FlinkCollector() = default;

std::vector<HttpAsk> FlinkCollector::begin(WallTime at) {
    look_ = std::make_unique<Look>();
    look_->observation.target = options_.target;
    look_->observation.at = at;
    std::erase_if(memory_->kept, [&](const auto& entry) { return at < entry.second.at || at >= entry.second.until; });
    std::vector<HttpAsk> asks = {{options_.url + "/jobs/overview", purpose("jobs")},
                                 {options_.url + "/taskmanagers", purpose("taskmanagers")}};
    if (memory_->version.empty() || !memory_->manager.asked)
        asks.push_back({options_.url + "/config", purpose("version")});
    if (!memory_->manager.asked) asks.push_back({options_.url + "/jobmanager/config", purpose("manager-settings")});
    return asks;
}

std::vector<HttpAsk> FlinkCollector::answer(const HttpAsk& ask, const Result<HttpAnswer>& answer) {
    if (look_ == nullptr) return {};
    Observation& observation = look_->observation;
    const auto parsed = document(answer);
    if (has_answered(answer)) look_->answered = true;
    const auto bar = ask.purpose.find('|');
    const std::string kind = ask.purpose.substr(0, bar);
    const auto second = bar == std::string::npos ? bar : ask.purpose.find('|', bar + 1);
    const auto job_found =
        look_->jobs.find(bar == std::string::npos ? "" : ask.purpose.substr(bar + 1, second - bar - 1));
    if (!parsed) {
        // A job that has ended between two questions answers 404: the next look tells.
        const bool gone = answer && answer->status == 404 && bar != std::string::npos;
        // What only adds detail leaves the look complete where it fails.
        const bool detail = kind == "version" || kind == "manager-settings" || kind == "parts" || kind == "subparts" ||
                            kind == "checkpoint-config" || kind == "threads" || kind == "bounds";
        if (!gone && !detail) observation.lacks(kind + ": " + parsed.error().message);
        return {};
    }
    const Into into{options_.cluster, observation.at, observation, memory_->states};
    if (kind == "version") {
        memory_->version = json_read::text(*parsed, "flink-version");
        if (const Json* features = json_read::member(*parsed, "features"))
            memory_->manager.takes_jobs = json_read::boolean(*features, "web-submit");
        return {};
    }
    if (kind == "manager-settings") {
        on_manager_settings(*answer);
        return {};
    }
    if (kind == "jobs") return on_jobs(*answer);
    if (kind == "taskmanagers") {
        on_task_managers(*answer);
        return {};
    }
    if (job_found == look_->jobs.end()) return {};
    Job& job = job_found->second;
    const WallTime read_at = kept_since(ask, kind, job, *answer);
    if (kind == "job") {
        job_details(into, *parsed, job, options_.vertices_per_job_max);
        if (job.terminal()) return {};
        return vertex_asks(job);
    } else if (kind == "exceptions") {
        exceptions(into, *parsed, job);
    } else if (kind == "checkpoints") {
        checkpoints(into, *parsed, job);
        JobMemory::End& end = memory_->jobs[job.name].end;
        if (end.seen_at && observation.at - *end.seen_at >= end_is_told_after) end.examined = true;
        if (const auto slow = slow_checkpoint(*parsed, on_flinks_clock(job, observation.at, observation.at)))
            return on_slow_checkpoint(*slow, job.id, job.name);
    } else if (kind == "checkpoint-config") {
        checkpoint_config(into, *parsed, job);
    } else if (kind == "parts") {
        std::vector<HttpAsk> asks;
        for (const std::string& vertex : slow_vertices(*parsed))
            asks.push_back({ask.url + "/subtasks/" + vertex, purpose("subparts", job.id, vertex)});
        return asks;
    } else if (kind == "subparts" && second != std::string::npos) {
        if (auto fields = checkpoint_parts(*parsed))
            look_->checkpoint_parts.push_back(
                {job.id, ask.purpose.substr(second + 1), look_->slow_checkpoints[job.id], *std::move(fields)});
    } else if (kind == "metrics") {
        job_metrics(into, *parsed, job);
    } else if (kind == "bounds") {
        parallelism_bounds(into, *parsed, job);
    } else if (kind == "jars") {
        running_version(into, *parsed, job, options_.artifacts[job.name]);
    } else if (kind == "config") {
        on_config(*answer, job);
    } else if (kind == "threads" && second != std::string::npos) {
        tell_threads(into, *parsed, job, look_->standing[ask.purpose.substr(bar + 1)]);
    } else if (second != std::string::npos) {
        const auto found = std::ranges::find(job.vertices, ask.purpose.substr(second + 1), &Vertex::id);
        if (found == job.vertices.end()) return {};
        if (kind == "vertex") {
            TimesOfSubtasks& times = memory_->jobs[job.name].times;
            vertex(into, *parsed, job, *found, times, options_.subtasks_per_vertex_max);
            std::vector<HttpAsk> asks;
            if (!tell_times(into, job, *found, times))
                ask_or_repeat(job, {ask.url + "/backpressure", purpose("backpressure", job.id, found->id)}, {}, asks);
            ask_what_stands(job, *found, asks);
            return asks;
        }
        if (kind == "backpressure") backpressure(into, *parsed, job, *found);
        if (kind == "watermarks") {
            const Watermarks told = watermarks(into, *parsed, job, *found);
            look_->subtasks_without_watermark[job.id] += told.without;
            if (told.lowest_ms) {
                const WallTime read = on_flinks_clock(job, read_at, look_->observation.at);
                const double lag_s = (static_cast<double>(read.unix_ms) - *told.lowest_ms) / 1000;
                double& largest = look_->watermark_lags_s.try_emplace(job.id, lag_s).first->second;
                largest = std::max(largest, lag_s);
            }
        }
    }
    return {};
}

std::vector<HttpAsk> FlinkCollector::vertex_asks(const flink_read::Job& job) {
    std::vector<HttpAsk> asks;
    for (const Vertex& vertex : job.vertices) {
        const std::string base = options_.url + "/jobs/" + job.id + "/vertices/" + vertex.id;
        ask_or_repeat(job, {base, purpose("vertex", job.id, vertex.id)}, vertex.told, asks);
        ask_or_repeat(job, {base + "/watermarks", purpose("watermarks", job.id, vertex.id)}, {}, asks);
    }
    return asks;
}

// What was read a moment ago is told once more instead. A job that restarts is asked: its old figures are another
// attempt's.
void FlinkCollector::ask_or_repeat(const flink_read::Job& job, HttpAsk ask, const std::string& told,
                                   std::vector<HttpAsk>& asks) {
    const auto kept = memory_->kept.find(ask.purpose);
    if (kept != memory_->kept.end() && job.state == "RUNNING" && kept->second.told == told) {
        // What it leads to is asked anew.
        std::ranges::move(answer(ask, kept->second.answer), std::back_inserter(asks));
        return;
    }
    if (kept != memory_->kept.end()) memory_->kept.erase(kept);
    asks.push_back(std::move(ask));
}

// When an answer was given: now, or, of one that is repeated, then. Keeps one that may be.
WallTime FlinkCollector::kept_since(const HttpAsk& ask, const std::string& kind, const flink_read::Job& job,
                                    const HttpAnswer& answer) {
    const WallTime now = look_->observation.at;
    const Duration pace = pace_of(kind);
    if (pace == Duration{0} || job.state != "RUNNING") return now;
    Memory::Kept kept{.at = now, .until = now + pace, .answer = answer, .told = {}};
    if (kind == "vertex") {
        const auto vertex =
            std::ranges::find(job.vertices, ask.purpose.substr(ask.purpose.rfind('|') + 1), &Vertex::id);
        if (vertex != job.vertices.end()) kept.told = vertex->told;
    }
    return memory_->kept.try_emplace(ask.purpose, std::move(kept)).first->second.at;
}

std::vector<HttpAsk> FlinkCollector::on_slow_checkpoint(const CheckpointAsked& slow, const std::string& job_id,
                                                        const std::string& job_name) {
    JobMemory& known = memory_->jobs[job_name];
    const WallTime at = look_->observation.at;
    if (known.state != "RUNNING") return {};
    // One under way is looked into again, as more of it is known then.
    if (known.parts_of == slow.id && slow.status == "completed") return {};
    if (known.parts_of && !is_due(known.parts_at, parts_pace, at)) return {};
    known.parts_of = slow.id;
    known.parts_at = at;
    look_->slow_checkpoints[job_id] = slow;
    return {{options_.url + "/jobs/" + job_id + "/checkpoints/details/" + std::to_string(slow.id),
             purpose("parts", job_id)}};
}

std::vector<HttpAsk> FlinkCollector::on_jobs(const HttpAnswer& answer) {
    Observation& observation = look_->observation;
    const Into into{options_.cluster, observation.at, observation, memory_->states};
    auto all = jobs(*document(answer));
    if (!all) {
        observation.lacks(all.error().message);
        return {};
    }
    look_->jobs_told = true;
    std::vector<HttpAsk> asks;
    for (Job& job : *all) {
        const bool full = look_->jobs.size() >= options_.jobs_max;
        if (full && job.terminal()) {
            memory_->jobs.erase(job.name);  // It has ended: nobody misses it.
            continue;
        }
        if (full) {
            observation.lacks("more than " + std::to_string(options_.jobs_max) + " jobs that live");
            break;
        }
        JobMemory& known = run_listed(job);
        const Subject subject = into.subject("job", job.name);
        if (!known.state.empty() && known.state != job.state)
            observation.events.push_back(
                {.at = observation.at,
                 .subject = subject,
                 .kind = "state-change",
                 .text = known.state + " → " + job.state,
                 .fields = {{"from", known.state}, {"to", job.state}, {"job_id", job.id}},
                 .id = options_.cluster + "/" + job.id + "/state/" + std::to_string(observation.at.unix_ms)});
        if (known.state != job.state) known.end = {};
        known.state = job.state;
        if (job.terminal() && !known.end.seen_at) known.end.seen_at = observation.at;
        job_state(into, job);
        const std::string base = options_.url + "/jobs/" + job.id;
        if (!known.config_known) {
            asks.push_back({base + "/config", purpose("config", job.id)});
            asks.push_back({base + "/checkpoints/config", purpose("checkpoint-config", job.id)});
            if (options_.artifacts.contains(job.name))
                asks.push_back({options_.url + "/jars", purpose("jars", job.id)});
        }
        if (!known.end.examined) {
            asks.push_back({base, purpose("job", job.id)});
            asks.push_back({.url = base + "/exceptions?maxExceptions=20",
                            .purpose = purpose("exceptions", job.id),
                            .bytes_max = exceptions_bytes_max,
                            .timeout = exceptions_patience});
            asks.push_back({base + "/checkpoints", purpose("checkpoints", job.id)});
            if (job.terminal()) known.end.examined = ++known.end.asked >= end_asked_max;
        }
        const Job& listed = look_->jobs.emplace(job.id, std::move(job)).first->second;
        if (listed.terminal()) continue;
        ask_or_repeat(listed, {base + "/metrics?get=numRestarts", purpose("metrics", listed.id)}, {}, asks);
        if (memory_->manager.scheduler == "adaptive")
            ask_or_repeat(listed, {base + "/resource-requirements", purpose("bounds", listed.id)}, {}, asks);
    }
    look_->jobs_complete = observation.outcome == ScrapeOutcome::complete;
    // One that starts within a second is never seen to give no answer.
    if (memory_->manager.asked && !memory_->silent && !memory_->manager.process.empty() && lacks_living_job()) {
        look_->asks_who_answers = true;
        asks.push_back({options_.url + "/config", purpose("version")});
        asks.push_back({options_.url + "/jobmanager/config", purpose("manager-settings")});
    }
    for (const auto& [id, job] : look_->jobs)
        if (job.living_namesakes > 0)
            observation.lacks(std::to_string(job.living_namesakes + 1) + " jobs are called " + job.name +
                              ": only the newest is seen");
    return asks;
}

void FlinkCollector::on_task_managers(const HttpAnswer& answer) {
    const auto parsed = document(answer);
    if (json_read::member(*parsed, "taskmanagers") == nullptr) {
        look_->observation.lacks("/taskmanagers: no list `taskmanagers`");
        return;
    }
    task_managers({options_.cluster, look_->observation.at, look_->observation, memory_->states}, *parsed,
                  look_->task_managers, look_->heartbeats_ms);
    look_->task_managers_told = true;
    look_->slots_in_use = slots_in_use(*parsed);
}

// A task manager seen before and missing now has a series that says 0 (not none), and one event for its going.
void FlinkCollector::forget_vanished() {
    Observation& observation = look_->observation;
    const auto changed = [&](const std::string& id, const char* kind) {
        observation.events.push_back(
            {.at = observation.at,
             .subject = {options_.cluster, "taskmanager", id},
             .kind = kind,
             .text = "",
             .fields = {},
             .id = options_.cluster + "/" + id + "/" + kind + "/" + std::to_string(observation.at.unix_ms)});
    };
    for (auto& [id, known] : memory_->task_managers) {
        if (std::ranges::find(look_->task_managers, id) != look_->task_managers.end()) continue;
        observation.sample("flink_taskmanager_registered", {{"cluster", options_.cluster}, {"taskmanager", id}}, 0);
        if (std::exchange(known.present, false)) changed(id, "node-lost");
    }
    for (const std::string& id : look_->task_managers) {
        const bool was_there =
            memory_->task_managers.contains(id) ? memory_->task_managers[id].present : !memory_->looked;
        if (!was_there) changed(id, "node-joined");
        memory_->task_managers[id] = {observation.at, true};
    }
    memory_->looked = true;
    std::erase_if(memory_->task_managers,
                  [&](const auto& entry) { return observation.at - entry.second.seen > vanished_told_for; });
    while (memory_->task_managers.size() > task_managers_remembered_max)
        memory_->task_managers.erase(
            std::ranges::min_element(memory_->task_managers, {}, [](const auto& e) { return e.second.seen; }));
}

// Once the jobs are listed: by them it is known how far the job manager's clock is from ours.
void FlinkCollector::tell_heartbeats() {
    Observation& observation = look_->observation;
    WallTime now = observation.at;
    const auto living = std::ranges::find_if(look_->jobs, [](const auto& e) { return e.second.told_at_ms != 0; });
    if (living != look_->jobs.end()) now = on_flinks_clock(living->second, now, now);
    for (const auto& [id, beat_ms] : look_->heartbeats_ms)
        observation.sample("flink_taskmanager_heartbeat_age_seconds",
                           {{"cluster", options_.cluster}, {"taskmanager", id}},
                           std::max(0.0, static_cast<double>(now.unix_ms) - beat_ms) / 1000);
}

Observation FlinkCollector::finish() {
    Observation& observation = look_->observation;
    std::vector<LabelPair> who = {{"cluster", options_.cluster}};
    if (!options_.flink.empty()) who.emplace_back("flink", options_.flink);
    observation.sample("flink_jobmanager_reachable", std::move(who), look_->answered ? 1 : 0);
    if (!look_->answered || (!look_->jobs_told && !look_->task_managers_told))
        observation.outcome = ScrapeOutcome::failed;
    // Who comes back may have been set up anew.
    memory_->manager.asked = look_->answered;
    if (!look_->answered) memory_->silent = true;
    if (look_->task_managers_told) forget_vanished();
    tell_heartbeats();
    for (const auto& [id, lag_s] : look_->watermark_lags_s)
        observation.sample("flink_job_watermark_lag_seconds",
                           {{"cluster", options_.cluster}, {"job", look_->jobs[id].name}}, lag_s);
    for (const auto& [id, without] : look_->subtasks_without_watermark)
        observation.sample("flink_job_subtasks_without_watermark",
                           {{"cluster", options_.cluster}, {"job", look_->jobs[id].name}}, without);
    // What was asked only once (config, the end of a job) is repeated: topology is replaced at every look.
    for (const auto& [id, job] : look_->jobs) {
        auto& attributes = observation.attributes[{options_.cluster, "job", job.name}];
        JobMemory& memory = memory_->jobs[job.name];
        memory.attributes.erase("parallelism_bounds");  // Anybody may have changed them since they were last told.
        for (const auto& [key, value] : attributes) memory.attributes[key] = value;
        if (job.parallelism_max > 0) memory.attributes["parallelism"] = std::to_string(job.parallelism_max);
        if (look_->task_managers_told)
            memory.task_managers = {look_->task_managers.begin(), look_->task_managers.end()};
        attributes = memory.attributes;
        if (!memory.last_good_version.empty()) attributes["last_good_version"] = memory.last_good_version;
        attributes["url"] = options_.url;
        if (!options_.flink.empty()) attributes["flink"] = options_.flink;
        if (!memory_->manager.scheduler.empty()) attributes["scheduler"] = memory_->manager.scheduler;
        if (!memory_->version.empty()) attributes["flink_version"] = memory_->version;
    }
    for (const auto& [id, job] : look_->jobs)
        if (const JobMemory& memory = memory_->jobs[job.name]; memory.config_known)
            observation.job_runs.push_back(run_of(job.name, memory));
    note_hosts();
    // What was asked and not answered is asked again by the next look.
    if (look_->jobs_complete && (!look_->asks_who_answers || look_->knows_who_answers)) note_missing_jobs();
    tell_missing_jobs();
    announce_deployments();
    tell_checkpoint_parts();
    memory_->states.turn(observation.outcome == ScrapeOutcome::complete);
    Observation done = std::move(observation);
    look_.reset();
    return done;
}

}  // namespace medic
