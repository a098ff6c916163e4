#include "remediations/remedies/flink_deploy/prerequisites_internal.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "remediations/planning/deployment.h"
#include "remediations/remedies/parts.h"

namespace medic::remedies::flink_deploy {
namespace {

// Older than this, a checkpoint says that the job has trouble to complete one, and a savepoint will have it too.
constexpr Duration checkpoint_age_max{10 * 60'000};

class Findings {
public:
    explicit Findings(const std::set<std::string>& accepted) : accepted_(accepted) {}

    void met(std::string text) { found_.push_back(std::move(text)); }
    void against(std::string text) { against_.push_back(std::move(text)); }
    // A person may say that it is no obstacle.
    void doubt(const std::string& name, const std::string& text) {
        if (accepted_.contains(name)) return met(text + " (accepted)");
        against_.push_back(text + "; if it may go on all the same, ask again and accept `" + name + "`");
    }
    [[nodiscard]] Result<std::vector<std::string>> result() && {
        if (against_.empty()) return std::move(found_);
        return fail(ErrorCode::invalid, "not deployed, nothing was changed. {}", fmt::join(against_, ". "));
    }

private:
    const std::set<std::string>& accepted_;
    std::vector<std::string> found_, against_;
};

void look_at_version(const Wish& wish, const PlanningView& view, const DeploymentInfo& deployment, Findings& findings) {
    if (wish.version == wish.from) findings.against(fmt::format("version {} runs already", wish.version));
    const Quarantine green = quarantine_of(view, deployment, wish.version);
    if (is_quarantined(view, green))
        findings.doubt("quarantine",
                       fmt::format("version {} (or what it was built of) was taken back before", wish.version));
    if (is_quarantined(view, quarantine_of(view, deployment, wish.from)))
        findings.doubt("quarantine", fmt::format("version {}, which runs, was taken back before: it could not be "
                                                 "started again if version {} does not work",
                                                 wish.from, wish.version));
    const auto artifact = deployment.artifacts.find(wish.version);
    if (artifact == deployment.artifacts.end()) return;
    const std::string hash = told(view, artifact_key(view.cluster.name, artifact->second));
    if (hash == no_artifact)
        findings.against(fmt::format("the artifact of version {} is not there: {}", wish.version, artifact->second));
    else
        findings.met(fmt::format("the artifact {} is {}", artifact->second,
                                 hash.empty() ? "there or not: it could not be read" : hash));
}

std::optional<Duration> checkpoint_age(const Wish& wish, const PlanningView& view) {
    const Fact* completed = view.fact({wish.job, "flink_checkpoint_last_completed_timestamp_seconds"});
    if (completed == nullptr || !completed->value) return std::nullopt;
    constexpr double ms = 1'000;
    return view.now - WallTime{static_cast<std::int64_t>(*completed->value * ms)};
}

// Blue is healthy, and takes a savepoint; or it fails again and again, and green begins at its newest checkpoint.
void look_at_job(Wish& wish, const PlanningView& view, Findings& findings) {
    const auto age = checkpoint_age(wish, view);
    if (wish.state == "RUNNING") {
        if (!age)
            return findings.doubt("checkpoint", fmt::format("{} runs, and no checkpoint of it is known", wish.name));
        const auto seconds = age->count() / 1'000;
        if (*age > checkpoint_age_max)
            return findings.doubt(
                "checkpoint", fmt::format("{} runs, and its last checkpoint is {} s old: a savepoint may not complete",
                                          wish.name, seconds));
        return findings.met(
            fmt::format("{} runs version {}; its last checkpoint is {} s old", wish.name, wish.from, seconds));
    }
    const std::set<std::string> trouble{"RESTARTING", "FAILING", "FAILED"};
    if (!trouble.contains(wish.state))
        return findings.against(fmt::format(
            "{} is {}: what was ended on purpose is started by hand, or let it run first", wish.name, wish.state));
    wish.checkpoint = told(view, {wish.job, "checkpoint_path"});
    if (wish.checkpoint.empty())
        return findings.against(
            fmt::format("{} is {}, and no complete checkpoint of it is known", wish.name, wish.state));
    if (newest_checkpoint_after_cancel(view, wish.job) != AfterCancel::kept)
        return findings.against(fmt::format("{} is {}, and whether {} outlives its cancellation is not known",
                                            wish.name, wish.state, wish.checkpoint));
    findings.doubt("checkpoint",
                   fmt::format("{} is {}: it would go on from its last checkpoint {}, and what was put out since is "
                               "put out again where its sinks are not transactional",
                               wish.name, wish.state, wish.checkpoint));
}

void look_at_topics(const Wish& wish, const PlanningView& view, const DeploymentInfo& deployment, Findings& findings) {
    const auto named = deployment.topics.find(wish.version);
    if (named == deployment.topics.end() || named->second.empty())
        return findings.met("which topics it reads and writes is not in the configuration: not looked at");
    std::vector<std::string> unknown;
    for (const std::string& topic : named->second)
        if (view.fact({{view.cluster.name, "topic", topic}, "partitions"}) == nullptr) unknown.push_back(topic);
    if (unknown.empty()) return findings.met(fmt::format("its topics exist: {}", fmt::join(named->second, ", ")));
    findings.doubt("topics", fmt::format("Kafka shows no topic {}", fmt::join(unknown, ", ")));
}

void look_at_lag(Wish& wish, const PlanningView& view, const HealthGate& gate, Findings& findings) {
    if (gate.group.empty())
        return findings.met("lag: the deployment's `gate` names no group, so that it is not looked at");
    const Fact* lag = view.fact({{view.cluster.name, "group", gate.group}, "kafka_group_lag_records"});
    if (lag == nullptr || !lag->value) return findings.met(fmt::format("lag of group {}: not known now", gate.group));
    wish.lag_before = *lag->value;
    findings.met(fmt::format("lag of group {}: {:.0f} records, at most {:.0f} once it runs", gate.group, *lag->value,
                             std::max(static_cast<double>(gate.lag_max), *lag->value)));
}

}  // namespace

std::vector<FactKey> facts_of_prerequisites(const Diagnosis& diagnosis, const PlanningView& view,
                                            const DeploymentInfo& deployment, const std::string& version) {
    const Subject job = subject_in(diagnosis, "job", deployment.job);
    auto keys = checkpoint_facts(job);
    for (const char* name :
         {"id", "version", "flink_job_parallelism", "flink_checkpoint_last_completed_timestamp_seconds"})
        keys.push_back({job, name});
    for (const std::string& one : deployment.versions) want_artifact(keys, view, deployment, one);
    if (const auto topics = deployment.topics.find(version); topics != deployment.topics.end())
        for (const std::string& topic : topics->second)
            keys.push_back({subject_in(diagnosis, "topic", topic), "partitions"});
    if (!deployment.gate.group.empty())
        keys.push_back({subject_in(diagnosis, "group", deployment.gate.group), "kafka_group_lag_records"});
    return keys;
}

Result<Wish> wish_in(const Diagnosis& diagnosis, const PlanningView& view) {
    Wish wish;
    MEDIC_TRY(wish.name, parameter(diagnosis, "job"));
    MEDIC_TRY(wish.version, parameter(diagnosis, "version"));
    wish.accepted = accepted_doubts(diagnosis);
    wish.job = subject_in(diagnosis, "job", wish.name);
    const DeploymentInfo* deployment = view.deployment(wish.name);
    if (deployment == nullptr) return fail(ErrorCode::invalid, "no deployment of job {} is configured", wish.name);
    if (deployment->savepoints.empty())
        return fail(ErrorCode::invalid, "the deployment of {} names no savepoints folder", wish.name);
    wish.state = told(view, {wish.job, "flink_job_state"});
    wish.job_id = told(view, {wish.job, "id"});
    if (wish.state.empty() || wish.job_id.empty())
        return fail(ErrorCode::not_ready, "whether a job {} runs, and in which state, is not known", wish.name);
    const std::string seen = told(view, {wish.job, "version"}), said = parameter(diagnosis, "from").value_or("");
    wish.from = seen.empty() ? said : seen;
    if (wish.from.empty())
        return fail(ErrorCode::not_ready, "which version of {} runs can't be seen: say so with --from", wish.name);
    if (!said.empty() && said != wish.from)
        return fail(ErrorCode::invalid, "version {} of {} runs, not {}", wish.from, wish.name, said);
    for (const std::string& version : {wish.version, wish.from})
        if (std::ranges::find(deployment->versions, version) == deployment->versions.end())
            return fail(ErrorCode::invalid, "version {} of job {} is not in the configuration", version, wish.name);
    if (const Fact* parallelism = view.fact({wish.job, "flink_job_parallelism"});
        parallelism != nullptr && parallelism->value)
        wish.parallelism = static_cast<int>(*parallelism->value);
    return wish;
}

Result<std::vector<std::string>> look_at_prerequisites(Wish& wish, const PlanningView& view,
                                                       const DeploymentInfo& deployment) {
    Findings findings(wish.accepted);
    look_at_version(wish, view, deployment, findings);
    look_at_job(wish, view, findings);
    look_at_topics(wish, view, deployment, findings);
    look_at_lag(wish, view, deployment.gate, findings);
    return std::move(findings).result();
}

}  // namespace medic::remedies::flink_deploy
