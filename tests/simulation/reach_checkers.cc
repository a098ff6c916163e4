// What the guards promise about how far the agent may reach: how many nodes, in a storm, into what others own, onto
// whom it puts leaders. One checker each.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "remediations/guards/guard.h"
#include "remediations/guards/reach.h"
#include "tests/simulation/checkers.h"

namespace medic::simulation {
namespace {

constexpr Duration slack{2'000};  // Between what happens and the tick that sees it.

// So many task managers are taken within the window, and the last one that works is not. What a person has agreed to is
// theirs; what comes true is counted, not what was tried.
class BlastRadiusKept final : public Checker {
public:
    std::string_view name() const override { return "blast-radius-kept"; }
    void on_tick(const Ticked& ticked) override {
        const auto wanted = static_cast<std::size_t>(limits_of(ticked.options.policy).blast_radius.healthy_min);
        for (const auto& [name, node] : ticked.cluster.nodes) {
            Seen& seen = seen_[name];
            if (!node.up) seen.was_down = ticked.monotonic;
            std::size_t others = 0, in_service = 0;
            for (const auto& [other, its] : ticked.cluster.nodes) {
                if (other == name || its.spare) continue;
                ++others;
                if (its.up) ++in_service;
            }
            if (in_service >= std::min(others, wanted)) seen.could_be_spared = ticked.monotonic;
        }
    }
    void on_sending(const Sending& sending) override {
        const auto* kill = std::get_if<KillNode>(&sending.operation.body);
        if (kill == nullptr || !sending.cluster.nodes.contains(kill->node)) return;
        if (!sending.cluster.nodes.at(kill->node).up) return;
        const Seen& seen = seen_[kill->node];
        const bool undo = sending.intent && sending.intent->undo;
        const bool known_up = sending.monotonic - seen.was_down > guard_facts_age_max + slack;
        if (known_up && !undo && !is_agreed(sending)) judge(sending, *kill, seen);
        taken_[sending.operation.key] = {kill->node, sending.now};
    }

private:
    struct Seen {
        Duration was_down{-3'600'000}, could_be_spared{0};  // Monotonic, last.
    };

    void judge(const Sending& sending, const KillNode& kill, const Seen& seen) {
        const BlastRadius& limits = limits_of(sending.policy).blast_radius;
        std::set<std::string> taken;
        for (const auto& done : sending.cluster.executed) {
            const auto ours = taken_.find(done.key);
            if (ours == taken_.end() || !done.took_effect || ours->second.node == kill.node) continue;
            if (ours->second.at <= sending.now && sending.now - ours->second.at + slack < limits.window)
                taken.insert(ours->second.node);
        }
        const std::size_t all = sending.cluster.nodes.size();
        const auto share = all * static_cast<std::size_t>(limits.share_percent) / 100;
        const auto most = std::max<std::size_t>(1, std::min(share, static_cast<std::size_t>(limits.nodes)));
        if (taken.size() >= most)
            violated(fmt::format("{} takes {} after {} others within a window for {}", sending.operation.key, kill.node,
                                 taken.size(), most));
        const bool patient = sending.intent && sending.intent->diagnosed.contains("taskmanager/");
        if (!patient && sending.monotonic - seen.could_be_spared > guard_facts_age_max + slack)
            violated(fmt::format("{} takes {}, the last one in service", sending.operation.key, kill.node));
    }

    std::map<std::string, Seen> seen_;
    struct Taken {
        std::string node;
        WallTime at;  // As the agent's clock stood.
    };
    std::map<std::string, Taken> taken_;  // By key: what was alive when it left.
};

// No broker that serves is stopped or killed while a partition would fall below the copies that it must have, for
// longer than facts may be old.
class PartitionsKept final : public Checker {
public:
    std::string_view name() const override { return "partitions-kept"; }
    void on_tick(const Ticked& ticked) override {
        for (const auto& [name, broker] : ticked.cluster.brokers)
            if (!broker.serves() || ticked.cluster.can_spare(name)) could_be_spared_[name] = ticked.monotonic;
    }
    void on_sending(const Sending& sending) override {
        const std::string* node = taken_node(sending.operation.body);
        if (node == nullptr || !could_be_spared_.contains(*node)) return;
        if (sending.monotonic - could_be_spared_[*node] > guard_facts_age_max + slack)
            violated(fmt::format("{} takes {}, and partitions need it", sending.operation.key, *node));
    }

private:
    std::map<std::string, Duration> could_be_spared_;  // Monotonic, last.
};

class StormAsks final : public Checker {
public:
    std::string_view name() const override { return "storm-asks"; }
    void on_sending(const Sending& sending) override {
        if (sending.in_storm && !is_begun(sending) && !is_agreed(sending))
            violated("began something by itself in a storm of incidents: " + describe(sending.operation));
    }
};

// In the simulation a job is only cancelled to start another version of it.
class ManagedLeftAlone final : public Checker {
public:
    std::string_view name() const override { return "managed-left-alone"; }
    void on_sending(const Sending& sending) override {
        const auto& body = sending.operation.body;
        const bool job = std::holds_alternative<StartDeployment>(body) || std::holds_alternative<CancelJob>(body);
        const bool broker = std::holds_alternative<GrowStorage>(body);
        const bool connector = std::holds_alternative<KillConnectorTask>(body) ||
                               std::holds_alternative<RestartConnectorTask>(body) ||
                               std::holds_alternative<ChangeConnectorConfiguration>(body);
        for (const auto& owner : sending.managed)
            if ((job && owner.object == "job:*") || (broker && owner.object == "broker:*") ||
                (connector && owner.object == "connector:*"))
                violated(fmt::format("{} is of {}: {}", owner.object, owner.by, describe(sending.operation)));
    }
};

// A broker that has been catching up for longer than facts may be old is given no leaders.
class ElectionsInSync final : public Checker {
public:
    std::string_view name() const override { return "elections-in-sync"; }
    void on_tick(const Ticked& ticked) override {
        if (ticked.cluster.leaders.out_of_sync == 0) in_sync_ = ticked.monotonic;
    }
    void on_sending(const Sending& sending) override {
        if (std::holds_alternative<ElectLeaders>(sending.operation.body) &&
            sending.monotonic - in_sync_ > guard_facts_age_max + slack)
            violated("elected a broker that still catches up: " + sending.operation.key);
    }

private:
    Duration in_sync_{0};  // Monotonic, last.
};

}  // namespace

void add_reach_checkers(std::vector<std::unique_ptr<Checker>>& all) {
    all.push_back(std::make_unique<BlastRadiusKept>());
    all.push_back(std::make_unique<PartitionsKept>());
    all.push_back(std::make_unique<StormAsks>());
    all.push_back(std::make_unique<ManagedLeftAlone>());
    all.push_back(std::make_unique<ElectionsInSync>());
}

}  // namespace medic::simulation
