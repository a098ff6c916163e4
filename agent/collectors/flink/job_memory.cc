// What is remembered of a job from look to look, and over a restart of the agent.
#include <utility>

#include "agent/collectors/flink/look_internal.h"

namespace medic {
namespace flink_read {

JobMemory begun(const Job& job, const JobMemory& known) {
    JobMemory next{.id = job.id, .start_ms = job.start_ms, .before = known.id};
    next.version_before = known.attribute("version");
    next.last_good_version = known.good_version();
    next.was_missing = known.missing_since.has_value();
    return next;
}

JobMemory redeployed(const Job& job, const JobMemory& known) {
    JobMemory next = begun(job, known);
    next.before.clear();
    next.same_id = true;
    next.state = known.state;
    next.end = known.end;
    return next;
}

JobMemory continued(const JobRun& earlier) {
    JobMemory memory{.id = earlier.id, .before = earlier.before};
    memory.version_before = earlier.version_before;
    memory.last_good_version = earlier.last_good_version;
    memory.known_good = earlier.good_version;
    if (!earlier.version.empty()) memory.attributes["version"] = earlier.version;
    return memory;
}

JobRun run_of(const std::string& job, const JobMemory& memory) {
    return {.job = job,
            .id = memory.id,
            .before = memory.before,
            .version = memory.attribute("version"),
            .version_before = memory.version_before,
            .good_version = memory.good_version(),
            .last_good_version = memory.last_good_version};
}

}  // namespace flink_read

using namespace flink_read;

// The memory of the run that is listed; of a new one it begins here.
JobMemory& FlinkCollector::run_listed(const Job& job) {
    JobMemory& known = memory_->jobs[job.name];
    if (known.id != job.id) {
        if (const auto earlier = options_.earlier.find(job.name); known.id.empty() && earlier != options_.earlier.end())
            known = continued(earlier->second);
        if (known.id != job.id) known = begun(job, known);
    }
    // Another start under the same id: the job manager was replaced, in application mode maybe by one with other code.
    // What is uploaded as an artifact always gets an id of its own; its version is not told by the configuration.
    if (known.start_ms != job.start_ms && !options_.artifacts.contains(job.name)) known.config_known = false;
    known.start_ms = job.start_ms;
    known.missing_since.reset();
    return known;
}

// A job manager's failover begins a job anew, too: only another version is a deployment.
void FlinkCollector::on_config(const HttpAnswer& answer, const Job& job) {
    Observation& observation = look_->observation;
    const Into into{options_.cluster, observation.at, observation, memory_->states};
    job_config(into, *json_read::document(answer), job);
    JobMemory& known = memory_->jobs[job.name];
    const auto& told = observation.attributes[into.subject("job", job.name)];
    const auto version = told.find("version");
    const std::string before = known.attribute("version");
    if (!options_.artifacts.contains(job.name) && version != told.end() && !before.empty() && version->second != before)
        known = redeployed(job, known);
    known.config_known = true;
}

// After everything about a new job has been asked: its deployment, with the version where that could be told.
void FlinkCollector::announce_deployments() {
    for (const auto& [id, job] : look_->jobs) {
        JobMemory& known = memory_->jobs[job.name];
        if (std::exchange(known.announced, true)) continue;
        const WallTime at{job.start_ms > 0 ? job.start_ms : look_->observation.at.unix_ms};
        Event event{.at = at,
                    .subject = {options_.cluster, "job", job.name},
                    .kind = "deployment",
                    .text = "job " + id + " started",
                    .fields = {{"job_id", id}, {"before", known.before}},
                    .id = options_.cluster + "/" + id + "/deployment" +
                          (known.same_id ? "/" + std::to_string(job.start_ms) : "")};
        if (const auto version = known.attributes.find("version"); version != known.attributes.end())
            event.fields["version"] = version->second;
        if (!known.version_before.empty()) event.fields["version_before"] = known.version_before;
        look_->observation.events.insert(look_->observation.events.begin(), std::move(event));
    }
}

}  // namespace medic
