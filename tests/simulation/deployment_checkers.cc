// What a deployment promises: nothing is touched before the new version was verified, and every start of it goes on
// exactly where the old one ended.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "remediations/planning/deployment.h"
#include "tests/simulation/checkers.h"

namespace medic::simulation {
namespace {

bool is_deployment(const Sending& sending) { return sending.intent && sending.intent->cause == deploy_cause; }

class VerifiedFirst final : public Checker {
public:
    std::string_view name() const override { return "verified-first"; }
    void on_sending(const Sending& sending) override {
        const auto& body = sending.operation.body;
        if (!is_deployment(sending) || std::holds_alternative<VerifyDeployment>(body)) return;
        const std::string incident = incident_of(sending.operation.key);
        const auto verified = [&](const sim::Executed& one) {
            const auto* question = std::get_if<VerifyDeployment>(&one.body);
            return question != nullptr && incident_of(one.key) == incident &&
                   question->version != sim::unloadable_version;
        };
        if (std::ranges::none_of(sending.cluster.executed, verified))
            violated("before the new version was verified: " + describe(sending.operation));
    }
};

// Whatever was answered, lost or restarted in between: no record is left out, and none that blue had put out is put out
// again but by a deployment that is taken back.
class ExactPoint final : public Checker {
public:
    std::string_view name() const override { return "exact-point"; }
    void on_sending(const Sending& sending) override {
        const auto* start = std::get_if<StartDeployment>(&sending.operation.body);
        if (!is_deployment(sending) || start == nullptr) return;
        const std::string incident = incident_of(sending.operation.key);
        std::string ended_at;
        for (const sim::Executed& one : sending.cluster.executed) {
            if (!one.took_effect || incident_of(one.key) != incident || ended_at_.contains(incident)) continue;
            if (const auto* stop = std::get_if<StopJobWithSavepoint>(&one.body))
                ended_at = stop->target_directory + "/savepoint-" + stop->job_id;
        }
        // A job that failed again and again is cancelled: its newest checkpoint is the point.
        if (ended_at.empty()) ended_at = start->restore_from;
        const auto point = ended_at_.try_emplace(incident, ended_at).first;
        if (start->restore_from != point->second)
            violated(fmt::format("it ended at {}: {}", point->second, describe(sending.operation)));
        if (sending.cluster.job.live > 0 && sending.monotonic - job_lives_since_ > guard_facts_age_max)
            violated("while the job runs: " + describe(sending.operation));
    }
    void on_tick(const Ticked& ticked) override {
        if (ticked.cluster.job.live == 0) job_lives_since_ = ticked.monotonic;
    }

private:
    std::map<std::string, std::string> ended_at_;  // By incident.
    Duration job_lives_since_{0};                  // Monotonic: it was last seen ended.
};

// A savepoint that outlasts its request is waited for: whoever asks again in the middle of it does not know what it has
// begun.
class SavepointOnce final : public Checker {
public:
    std::string_view name() const override { return "savepoint-once"; }
    void on_tick(const Ticked& ticked) override {
        const int again = ticked.cluster.job.stops_during_savepoint;
        if (again > seen_) violated(fmt::format("{} was asked for a savepoint during one", ticked.cluster.job.id));
        seen_ = again;
    }

private:
    int seen_ = 0;
};

// A job is rescaled in place only where its job manager can, and has its old parallelism again where that was told to
// be taken back.
class RescalesTakenBack final : public Checker {
public:
    std::string_view name() const override { return "rescales-taken-back"; }
    void on_sending(const Sending& sending) override {
        const auto* rescale = std::get_if<RescaleJob>(&sending.operation.body);
        if (rescale == nullptr) return;
        if (!sending.cluster.load.adaptive) violated("under another scheduler: " + describe(sending.operation));
    }
    void at_end(const Ticked& end) override {
        std::map<std::string, std::pair<int, int>> parallelism;  // By incident: before it, and after its last act.
        for (const sim::Executed& one : end.cluster.executed) {
            const auto* rescale = std::get_if<RescaleJob>(&one.body);
            if (rescale == nullptr || !one.took_effect) continue;
            const int before = std::min(rescale->from, rescale->to);  // The first may have been lost on its way.
            parallelism.try_emplace(incident_of(one.key), before, 0).first->second.second = rescale->to;
        }
        for (const auto& incident : end.loop.incidents()) {
            const auto found = parallelism.find(incident.id);
            if (incident.outcome != "undone" || found == parallelism.end()) continue;
            if (const auto& [before, after] = found->second; before != after)
                violated(fmt::format("{} is told as taken back, and left its job with parallelism {} instead of {}",
                                     incident.id, after, before));
        }
    }
};

}  // namespace

void add_deployment_checkers(std::vector<std::unique_ptr<Checker>>& all) {
    all.push_back(std::make_unique<VerifiedFirst>());
    all.push_back(std::make_unique<ExactPoint>());
    all.push_back(std::make_unique<SavepointOnce>());
    all.push_back(std::make_unique<RescalesTakenBack>());
}

}  // namespace medic::simulation
