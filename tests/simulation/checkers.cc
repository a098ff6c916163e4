#include "tests/simulation/checkers.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "remediations/planning/planner.h"

namespace medic::simulation {
namespace {

constexpr std::size_t violations_max = 20;  // Per checker and run.

std::string incident_of(const std::string& key) { return key.substr(0, key.find('/')); }

class NothingTwice final : public Checker {
public:
    std::string_view name() const override { return "nothing-twice"; }
    void on_sending(const Sending& sending) override {
        if (!keys_.insert(sending.operation.key).second) violated("sent twice: " + sending.operation.key);
    }
    void on_tick(const Loop&, const LoopOptions&, const sim::SimCluster& cluster) override {
        if (cluster.job.live > 1) violated(fmt::format("{} copies of the job run", cluster.job.live));
    }

private:
    std::set<std::string> keys_;
};

class DurableIntent final : public Checker {
public:
    std::string_view name() const override { return "durable-intent"; }
    void on_sending(const Sending& sending) override {
        const auto attempts = sending.journal.attempts(incident_of(sending.operation.key));
        if (!attempts || std::ranges::find(*attempts, sending.operation.key, &AttemptRow::key) == attempts->end())
            violated("left without a durable intent: " + sending.operation.key);
    }
};

// Two incidents' operations never overlap in time, from leaving to taking effect.
class OneChangeAtATime final : public Checker {
public:
    std::string_view name() const override { return "one-change-at-a-time"; }
    void on_sending(const Sending& sending) override {
        for (const auto& key : open_)
            if (incident_of(key) != incident_of(sending.operation.key) &&
                std::ranges::find(sending.cluster.executed, key, &sim::Executed::key) == sending.cluster.executed.end())
                violated(fmt::format("{} left while {} was on its way", sending.operation.key, key));
        open_.push_back(sending.operation.key);
        if (open_.size() > 4) open_.erase(open_.begin());  // Older ones are long done: an operation takes 2 s here.
    }

private:
    std::vector<std::string> open_;
};

class BudgetKept final : public Checker {
public:
    std::string_view name() const override { return "budget-kept"; }
    void on_sending(const Sending& sending) override {
        const Limits& limits =
            sending.policy.rules.empty() ? sending.policy.defaults : sending.policy.rules.front().limits;
        at_.push_back(sending.now);
        std::erase_if(at_, [&](WallTime at) { return at > sending.now || sending.now - at >= limits.budget_window; });
        // A plan that was begun within the budget may end: a half-done one does more harm than a few operations.
        const auto most = static_cast<std::size_t>(limits.budget_operations) + plan_steps_max;
        if (at_.size() > most)
            violated(fmt::format("{} operations in a window for {}", at_.size(), limits.budget_operations));
    }

private:
    std::vector<WallTime> at_;
};

class NoActOnAbsentFacts final : public Checker {
public:
    std::string_view name() const override { return "no-act-on-absent-facts"; }
    void on_sending(const Sending& sending) override {
        if (sending.facts_dark) violated("sent while no fact was known: " + sending.operation.key);
    }
};

class PauseKept final : public Checker {
public:
    std::string_view name() const override { return "pause-kept"; }
    void on_sending(const Sending& sending) override {
        if (sending.paused) violated("sent while paused: " + sending.operation.key);
    }
};

// A node is killed only if something was wrong with it (or it held a blocking task) within the last minutes.
class NoHarm final : public Checker {
public:
    std::string_view name() const override { return "no-harm"; }
    void on_sending(const Sending& sending) override {
        if (!sending.faults_ever) violated("acted although nothing was ever wrong: " + describe(sending.operation));
        const auto* kill = std::get_if<KillNode>(&sending.operation.body);
        if (kill == nullptr) return;
        const auto node = sending.cluster.nodes.find(kill->node);
        if (node == sending.cluster.nodes.end() || node->second.faulty_at.unix_ms == 0)
            violated("killed a node that never was at fault: " + kill->node);
    }
};

class EveryIncidentEnds final : public Checker {
public:
    std::string_view name() const override { return "every-incident-ends"; }
    void at_end(const Loop& loop, const sim::SimCluster&) override {
        for (const auto& incident : loop.incidents()) {
            if (!at_rest(incident))
                violated(fmt::format("{} ends in {}: {}", incident.id, to_string(incident.state),
                                     incident.story.empty() ? "" : incident.story.back().text));
        }
    }
};

// What the agent calls healed is healed; what still hurts at the end has been told to a person.
class NothingIsForgotten final : public Checker {
public:
    std::string_view name() const override { return "nothing-is-forgotten"; }
    void at_end(const Loop& loop, const sim::SimCluster& cluster) override {
        if (cluster.healthy()) return;
        const auto all = loop.incidents();
        const bool told = std::ranges::any_of(
            all, [](const Incident& incident) { return incident.state != IncidentState::resolved; });
        if (!told)
            violated(fmt::format("job {}, disk {:.0f} of {:.0f}: still at fault, and no incident is open",
                                 cluster.job.state, cluster.disk.used, cluster.disk.total));
    }
};

class BoundedMemory final : public Checker {
public:
    std::string_view name() const override { return "bounded-memory"; }
    void on_tick(const Loop& loop, const LoopOptions& options, const sim::SimCluster&) override {
        const auto health = loop.health();
        if (health.facts > 500 || health.incidents_open > options.incidents_open_max)
            violated(fmt::format("{} facts, {} incidents are held", health.facts, health.incidents_open));
    }
};

}  // namespace

bool at_rest(const Incident& incident) {
    switch (incident.state) {
        case IncidentState::resolved:
        case IncidentState::escalated:
        case IncidentState::observing:
        case IncidentState::healed: return true;
        case IncidentState::waiting_approval: return !incident.waiting_for.empty();
        default: return false;
    }
}

void Checker::violated(std::string text) {
    if (violations_.size() < violations_max) violations_.push_back(std::move(text));
}

std::vector<std::unique_ptr<Checker>> all_checkers() {
    std::vector<std::unique_ptr<Checker>> all;
    all.push_back(std::make_unique<NothingTwice>());
    all.push_back(std::make_unique<DurableIntent>());
    all.push_back(std::make_unique<OneChangeAtATime>());
    all.push_back(std::make_unique<BudgetKept>());
    all.push_back(std::make_unique<NoActOnAbsentFacts>());
    all.push_back(std::make_unique<PauseKept>());
    all.push_back(std::make_unique<NoHarm>());
    all.push_back(std::make_unique<EveryIncidentEnds>());
    all.push_back(std::make_unique<NothingIsForgotten>());
    all.push_back(std::make_unique<BoundedMemory>());
    return all;
}

}  // namespace medic::simulation
