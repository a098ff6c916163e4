#include "tests/simulation/healers.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include <fmt/format.h>

#include "agent/loop/loop.h"
#include "remediations/execution/execution.h"
#include "tests/simulation/checkers.h"
#include "tests/simulation/observer.h"
#include "tests/simulation/setting.h"

namespace medic::simulation {
namespace {

// The agent under a policy that lets it act by itself. Nobody approves anything: what it leaves to people stays as it
// is.
class Ours final : public Healer {
public:
    Ours(std::uint64_t seed, const Policy& limits) {
        sim::Seeded chance(seed);
        LoopOptions options = simulation_options(chance);
        for (PolicyRule& rule : options.policy.rules) {
            rule.mode = Mode::auto_;
            rule.limits = limits.defaults;
        }
        options.policy.storm = limits.storm;
        options.several_agents = false;
        options.clusters.front().managed.clear();
        journal_ = Journal::open({.path = ":memory:"}).value();
        loop_ = std::make_unique<Loop>(std::move(options), journal_->load(WallTime{}));
    }

    std::vector<Operation> look(Look look) override {
        std::vector<Input> inputs{look.observer.answer(wanted_, look.now), look.observer.under_way(look.now),
                                  look.observer.report(look.now)};
        for (auto* list : {&look.people, &inbox_})
            inputs.insert(inputs.end(), std::make_move_iterator(list->begin()), std::make_move_iterator(list->end()));
        inbox_.clear();
        for (auto& reply : look.replies) inputs.emplace_back(std::move(reply));
        Effects effects = loop_->tick({look.monotonic, look.now}, inputs);
        wanted_ = effects.fact_requests;
        const auto sequence = journal_->append(std::move(effects.journal));
        outbox_.hold(sequence.value_or(0), std::move(effects.operations));
        const auto ack = journal_->flush();
        inbox_.emplace_back(JournalAck{ack.sequence, ack.durable});
        return outbox_.release(ack.sequence, ack.durable, [](const Operation&) { return std::string(); });
    }
    std::size_t left_to_people() const override {
        return static_cast<std::size_t>(std::ranges::count_if(loop_->open_incidents(), [](const Incident* one) {
            return one->state == IncidentState::escalated || one->state == IncidentState::waiting_approval;
        }));
    }

private:
    std::unique_ptr<Journal> journal_;
    std::unique_ptr<Loop> loop_;
    Outbox outbox_;
    std::vector<FactKey> wanted_;
    std::vector<Input> inbox_;
};

// What `medic lab up` writes for a cluster on which many faults are injected within minutes (engine/lab).
Policy lab_limits() {
    Policy policy;
    policy.defaults = {.cooldown = Duration{10'000},
                       .attempts_max = 3,
                       .backoff = Duration{2'000},
                       .budget_operations = 60,
                       .budget_window = Duration{10 * 60'000},
                       .blast_radius = {.nodes = 10, .share_percent = 100, .zones = 10}};
    policy.storm.incidents = 50;
    return policy;
}

class Nothing final : public Healer {
public:
    std::vector<Operation> look(Look) override { return {}; }
};

// Chains of operations, one after another: the next one leaves when the one before was answered, or after a while.
class Scripted : public Healer {
protected:
    static constexpr Duration answer_max{10'000};

    [[nodiscard]] bool busy(const std::string& subject) const { return chains_.contains(subject); }
    void run(const std::string& subject, std::deque<OperationBody> chain) { chains_[subject].todo = std::move(chain); }
    std::vector<Operation> go_on(const Look& look) {
        std::vector<Operation> out;
        for (auto item = chains_.begin(); item != chains_.end();) {
            Chain& chain = item->second;
            const bool answered =
                std::ranges::find(look.replies, chain.key, &OperationReply::key) != look.replies.end();
            const bool ready = chain.key.empty() || answered || look.now - chain.sent_at >= answer_max;
            if (ready && chain.todo.empty()) {
                item = chains_.erase(item);
                continue;
            }
            if (ready) {
                std::string name = item->first;
                std::ranges::replace(name, '/', '-');  // The rest of a key counts steps.
                chain.key = fmt::format("{}/{}", name, ++sent_);
                chain.sent_at = look.now;
                out.push_back({.key = chain.key, .cluster = "lab", .body = std::move(chain.todo.front())});
                chain.todo.pop_front();
            }
            ++item;
        }
        return out;
    }
    // As a person would from the job's page: from its newest checkpoint.
    static std::deque<OperationBody> restart_job(const sim::SimCluster& cluster, const std::string& version) {
        const auto& job = cluster.job;
        return {CancelJob{job.id}, StartDeployment{.job = "fleet",
                                                   .version = version,
                                                   .restore_from = "/checkpoints/" + job.id,
                                                   .parallelism = 0,
                                                   .settings = {}}};
    }

private:
    struct Chain {
        std::deque<OperationBody> todo;
        std::string key;
        WallTime sent_at;
    };
    std::map<std::string, Chain> chains_;  // By subject: one at a time for each, whatever goes on beside it.
    std::uint64_t sent_ = 0;
};

// Restarts whatever is reported, at once, and again while it is reported: what a script behind an alert does.
class RestartAlways final : public Scripted {
public:
    std::vector<Operation> look(Look look) override {
        for (const auto& one : look.observer.report(look.now).diagnoses) {
            const std::string subject = to_string(one.subject);
            const auto last = last_.find(subject);
            if (busy(subject) || (last != last_.end() && look.now - last->second < again_after)) continue;
            last_[subject] = look.now;
            restart(subject, one, look.cluster);
        }
        return go_on(look);
    }

private:
    // Kubernetes' first CrashLoopBackOff; without its doubling.
    static constexpr Duration again_after{10'000};

    void restart(const std::string& subject, const Diagnosis& one, const sim::SimCluster& cluster) {
        if (one.subject.kind == "taskmanager")
            run(subject, {KillNode{one.subject.name}, StartNode{one.subject.name, false}});
        else if (one.subject.kind == "connector-task")
            run(subject, {RestartConnectorTask{"orders", std::stoi(one.facts.at("task"))}});
        else if (one.subject.kind == "job")
            run(subject, restart_job(cluster, cluster.job.version));
    }
    std::map<std::string, WallTime> last_;
};

// The published rules of the operators that people run, all of them switched on (most are off by default).
//
// Flink Kubernetes Operator (docs: "Job Management", "Configuration"; constants at commit 6e9caeb):
//   kubernetes.operator.cluster.health-check.enabled (default false): restarts an unhealthy job, which is one with more
//   than restarts.threshold = 64 restarts in restarts.window = 2 min. With Flink's restart delay of 1 s a job that
//   can't start reaches that after 64 s. kubernetes.operator.deployment.rollback.enabled (default false): back to the
//   last stable specification where the new one is not stable within kubernetes.operator.deployment.readiness.timeout =
//   5 min. A lost pod is started again by Kubernetes; a frozen one is noticed by Flink after heartbeat.timeout = 50 s,
//   and native Kubernetes asks for another.
// Strimzi (AbstractConnectOperator.java at 8541da1): a FAILED task is restarted n² + n minutes after the restart before
//   it; a task that is RUNNING and stuck is not seen.
// Cruise Control (docs: "Configurations"): looks for goal violations every anomaly.detection.interval.ms = 5 min
//   and moves replicas (self.healing.enabled, default false). A lost broker it heals after
//   broker.failure.self.healing.threshold.ms = 30 min; no broker is lost here.
class Thresholds final : public Scripted {
public:
    std::vector<Operation> look(Look look) override {
        judge_job(look);
        judge_nodes(look);
        judge_tasks(look);
        judge_disk(look);
        return go_on(look);
    }

private:
    static constexpr Duration unhealthy_after{64'000}, readiness_timeout{5 * 60'000}, pod_restart{10'000},
        heartbeat_timeout{50'000}, goal_interval{5 * 60'000};

    // How long something has been so; zero while it is not.
    Duration lasting(const std::string& what, bool holds, WallTime now) {
        if (!holds) {
            since_.erase(what);
            return Duration{0};
        }
        return now - since_.try_emplace(what, now).first->second;
    }

    void judge_job(const Look& look) {
        const auto& job = look.cluster.job;
        const bool terminal = job.state == "CANCELED" || job.state == "FINISHED" || job.state == "FAILED";
        const bool starting =
            lasting("job " + job.id, !terminal && job.state != "RUNNING", look.now) >= unhealthy_after;
        const bool unstable = lasting("version " + job.version, job.version == "v2" && job.state != "RUNNING",
                                      look.now) >= readiness_timeout;
        if (busy("job") || (!starting && !unstable)) return;
        since_.erase("job " + job.id);
        run("job", restart_job(look.cluster, unstable ? "v1" : job.version));
    }
    void judge_nodes(const Look& look) {
        for (const auto& [name, node] : look.cluster.nodes) {
            if (!node.spare && !busy(name) && lasting("down " + name, !node.up, look.now) >= pod_restart)
                run(name, {StartNode{name, false}});
            if (!node.spare && !busy(name) &&
                lasting("frozen " + name, node.up && node.frozen, look.now) >= heartbeat_timeout)
                run(name, {KillNode{name}, StartNode{name, false}});
        }
    }
    void judge_tasks(const Look& look) {
        for (const auto& [number, task] : look.cluster.tasks) {
            const auto name = fmt::format("task {}", number);
            if (task.state != "FAILED" || busy(name)) continue;
            auto& [restarts, last] = restarts_[number];
            const Duration pause{60'000LL * (restarts * restarts + restarts)};
            if (look.now - last > Duration{10 * 60'000} + pause) restarts = 0;  // It has run for longer than the next.
            if (restarts > 0 && look.now - last < pause) continue;
            ++restarts;
            last = look.now;
            run(name, {RestartConnectorTask{"orders", number}});
        }
    }
    void judge_disk(const Look& look) {
        if (look.now - looked_at_disk_ < goal_interval) return;
        looked_at_disk_ = look.now;
        if (look.cluster.disk.used > 0.8 * look.cluster.disk.total && !busy("disk"))
            run("disk", {AlterReassignments{.moves = {{"events", 0, {1}}}}});
    }

    std::map<std::string, WallTime> since_;
    std::map<int, std::pair<std::int64_t, WallTime>> restarts_;
    WallTime looked_at_disk_;
};

}  // namespace

std::string_view to_string(Arm arm) {
    switch (arm) {
        case Arm::ours: return "medic";
        case Arm::ours_cautious: return "medic, default limits";
        case Arm::nothing: return "nothing";
        case Arm::restart_always: return "restart always";
        case Arm::thresholds: return "operators' thresholds";
    }
    return "";
}

std::unique_ptr<Healer> healer(Arm arm, std::uint64_t seed) {
    switch (arm) {
        case Arm::ours: return std::make_unique<Ours>(seed, lab_limits());
        case Arm::ours_cautious: return std::make_unique<Ours>(seed, Policy{});
        case Arm::restart_always: return std::make_unique<RestartAlways>();
        case Arm::thresholds: return std::make_unique<Thresholds>();
        case Arm::nothing: break;
    }
    return std::make_unique<Nothing>();
}

}  // namespace medic::simulation
