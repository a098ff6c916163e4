// What the guards promise about how far the agent may reach: how many nodes, in a storm, into what others own, onto
// whom it puts leaders. One checker each.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "agent/store/kafka_words.h"
#include "remediations/guards/guard.h"
#include "remediations/guards/reach.h"
#include "tests/simulation/checkers.h"

namespace medic::simulation {
namespace {

constexpr Duration slack{2'000};  // Between what happens and the tick that sees it.

// Within the time that facts may be old. `last`: by broker, monotonic.
bool lately(const std::map<int, Duration>& last, int broker, const Sending& sending) {
    const auto at = last.find(broker);
    return at != last.end() && sending.monotonic - at->second <= guard_facts_age_max + slack;
}

// So many task managers are taken within the window, and the last one that works is not. What a person has agreed to is
// theirs; what comes true is counted, not what was tried.
class BlastRadiusKept final : public Checker {
public:
    std::string_view name() const override { return "blast-radius-kept"; }
    void on_tick(const Ticked& ticked) override {
        note_starts(ticked.cluster);
        const auto wanted = static_cast<std::size_t>(limits_of(ticked.options.policy).blast_radius.healthy_min);
        for (const auto& [name, node] : ticked.cluster.nodes) {
            Seen& seen = seen_[name];
            if (!node.up) seen.was_down = ticked.monotonic;
            std::size_t others = 0, in_service = 0;
            for (const auto& [other, its] : ticked.cluster.nodes) {
                if (other == name || (its.spare && !called_in_service_.contains(other))) continue;
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

    void note_starts(const sim::SimCluster& cluster) {
        for (; starts_read_ < cluster.executed.size(); ++starts_read_) {
            const auto* start = std::get_if<StartNode>(&cluster.executed[starts_read_].body);
            if (start == nullptr) continue;
            if (start->as_spare)
                called_in_service_.erase(start->node);
            else
                called_in_service_.insert(start->node);
        }
    }

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
    // A driver that says that it has put a spare to work and did nothing: nobody else tells of that.
    std::set<std::string> called_in_service_;
    std::size_t starts_read_ = 0;  // Of what the cluster has executed.
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

// Isolated is only the connector whose changes make the others stand, and only while they do.
class IsolatedAlone final : public Checker {
public:
    std::string_view name() const override { return "isolated-alone"; }
    void on_tick(const Ticked& ticked) override {
        if (ticked.cluster.flapping.storms()) stormed_ = ticked.monotonic;
    }
    void on_sending(const Sending& sending) override {
        if (!sending.intent || sending.intent->cause != "connect.rebalance-storm" || sending.intent->undo) return;
        const auto* stop = std::get_if<StopConnector>(&sending.operation.body);
        const auto* pause = std::get_if<PauseConnector>(&sending.operation.body);
        if (stop == nullptr && pause == nullptr) return;
        if ((stop != nullptr ? stop->connector : pause->connector) != sim::flapping_connector)
            violated("isolates another one: " + describe(sending.operation));
        if (!stormed_ || sending.monotonic - *stormed_ > slack)
            violated("isolates one that disturbs nobody: " + describe(sending.operation));
    }

private:
    std::optional<Duration> stormed_;  // Monotonic, last.
};

class StormAsks final : public Checker {
public:
    std::string_view name() const override { return "storm-asks"; }
    void on_sending(const Sending& sending) override {
        if (sending.in_storm && !is_begun(sending) && !is_agreed(sending))
            violated("began something by itself in a storm of incidents: " + describe(sending.operation));
    }
};

// Nothing is started on a node that a person keeps out of use.
class CordonKept final : public Checker {
public:
    std::string_view name() const override { return "cordon-kept"; }
    void on_sending(const Sending& sending) override {
        if (sending.cordoned) violated("starts what a person keeps out of use: " + describe(sending.operation));
    }
};

// What is new begins nothing by itself before it has stood its time where it acts first.
class RolloutKept final : public Checker {
public:
    std::string_view name() const override { return "rollout-kept"; }
    void on_sending(const Sending& sending) override {
        if (sending.unproven && !is_begun(sending) && !is_agreed(sending))
            violated("began something by itself by rules that act elsewhere first: " + describe(sending.operation));
    }
};

// In the simulation a job is only cancelled to start another version of it.
class ManagedLeftAlone final : public Checker {
public:
    std::string_view name() const override { return "managed-left-alone"; }
    void on_sending(const Sending& sending) override {
        const auto& body = sending.operation.body;
        const bool job = std::holds_alternative<StartDeployment>(body) || std::holds_alternative<CancelJob>(body) ||
                         std::holds_alternative<RescaleJob>(body);
        const bool broker = std::holds_alternative<GrowStorage>(body);
        const bool connector =
            std::holds_alternative<KillConnectorTask>(body) || std::holds_alternative<RestartConnectorTask>(body) ||
            std::holds_alternative<ChangeConnectorConfiguration>(body) || std::holds_alternative<StopConnector>(body) ||
            std::holds_alternative<AlterConnectorOffset>(body) || std::holds_alternative<ResumeConnector>(body);
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
        const auto* election = std::get_if<ElectLeaders>(&sending.operation.body);
        if (election == nullptr || election->partitions.front().topic == sim::shipments_topic ||
            election->partitions.front().topic == coordinators_topic)
            return;
        if (sending.monotonic - in_sync_ > guard_facts_age_max + slack)
            violated("elected a broker that still catches up: " + sending.operation.key);
    }

private:
    Duration in_sync_{0};  // Monotonic, last.
};

// Leaders go from a broker only while it is slow and nobody moves replicas, or was and did within the time that facts
// may be old; to brokers in sync; and no data moves with them.
class LeadersMoveSafely final : public Checker {
public:
    std::string_view name() const override { return "leaders-move-safely"; }
    void on_tick(const Ticked& ticked) override {
        if (ticked.cluster.shipments.moving == 0) still_ = ticked.monotonic;
        for (const int id : {1, 2, 3}) {
            if (ticked.cluster.shipments.keeps_waiting(id)) slow_[id] = ticked.monotonic;
            if (ticked.cluster.in_sync(id)) in_sync_[id] = ticked.monotonic;
        }
    }
    void on_sending(const Sending& sending) override {
        const auto* order = std::get_if<AlterReassignments>(&sending.operation.body);
        if (order == nullptr || std::ranges::none_of(order->moves, [](const PartitionMove& move) {
                return move.topic == sim::shipments_topic;
            }))
            return;
        const bool undo = sending.intent && sending.intent->undo;
        for (const PartitionMove& move : order->moves) {
            if (move.topic == coordinators_topic) continue;  // The next checker's.
            const auto& was = sending.cluster.shipments.partitions.at(static_cast<std::size_t>(move.partition));
            if (!std::ranges::is_permutation(move.replicas, was.replicas))
                violated("data would move: " + describe(sending.operation));
            if (undo) continue;
            if (!lately(slow_, move.replicas.back(), sending))
                violated("leaders taken from a broker that is not slow: " + describe(sending.operation));
            if (!lately(in_sync_, move.replicas.front(), sending))
                violated("leaders given to a broker that is not in sync: " + describe(sending.operation));
        }
        if (!undo && sending.monotonic - still_ > guard_facts_age_max + slack)
            violated("an order was changed while replicas are moved: " + describe(sending.operation));
    }

private:
    Duration still_{0};  // Monotonic, last, as the others.
    std::map<int, Duration> slow_, in_sync_;
};

// Groups get another coordinator only while theirs hangs, or its broker is slow, or did so within the time that facts
// may be old; one that is in sync; and never while replicas are moved.
class CoordinatorsMoveSafely final : public Checker {
public:
    std::string_view name() const override { return "coordinators-move-safely"; }
    void on_tick(const Ticked& ticked) override {
        const auto& cluster = ticked.cluster;
        if (cluster.shipments.moving == 0) still_ = ticked.monotonic;
        for (const int id : {1, 2, 3}) {
            if (cluster.coordinator.hangs_on.contains(id) || cluster.shipments.keeps_waiting(id))
                troubled_[id] = ticked.monotonic;
            if (cluster.in_sync(id)) in_sync_[id] = ticked.monotonic;
        }
    }
    void on_sending(const Sending& sending) override {
        if (sending.intent && sending.intent->undo) return;
        const auto& coordinator = sending.cluster.coordinator;
        // An election that follows its order ends what was begun, however long the agent was away between the two.
        const bool ends = is_begun(sending) && std::holds_alternative<ElectLeaders>(sending.operation.body);
        const auto check = [&](int from, int to) {
            if (!lately(in_sync_, to, sending))
                violated("given to one that is not in sync: " + describe(sending.operation));
            if (ends) return;
            if (!lately(troubled_, from, sending))
                violated("taken from a coordinator that serves: " + describe(sending.operation));
            if (sending.monotonic - still_ > guard_facts_age_max + slack)
                violated("moved while replicas are moved: " + describe(sending.operation));
        };
        if (const auto* order = std::get_if<AlterReassignments>(&sending.operation.body)) {
            for (const PartitionMove& move : order->moves) {
                if (move.topic != coordinators_topic) continue;
                if (!std::ranges::is_permutation(move.replicas, coordinator.replicas))
                    violated("data would move: " + describe(sending.operation));
                check(move.replicas.back(), move.replicas.front());
            }
        }
        if (const auto* election = std::get_if<ElectLeaders>(&sending.operation.body))
            for (const PartitionOfTopic& one : election->partitions)
                if (one.topic == coordinators_topic && coordinator.leader != coordinator.replicas.front())
                    check(coordinator.leader, coordinator.replicas.front());
    }

private:
    Duration still_{0};  // Monotonic, last, as the others.
    std::map<int, Duration> troubled_, in_sync_;
};

// A topic's setting is changed only back to what it was, and only while it takes no writes, or did so within the time
// that facts may be old; the other way only to take that back.
class SettingsOnlyRestored final : public Checker {
public:
    std::string_view name() const override { return "settings-only-restored"; }
    void on_tick(const Ticked& ticked) override {
        if (!ticked.cluster.shipments.takes_writes()) refused_ = ticked.monotonic;
    }
    void on_sending(const Sending& sending) override {
        const auto* alter = std::get_if<AlterConfigs>(&sending.operation.body);
        if (alter == nullptr || alter->name != sim::shipments_topic) return;
        if (sending.intent && sending.intent->undo) return;
        for (const auto& [setting, value] : alter->set)
            if (setting != "min.insync.replicas" || value)  // It was the brokers' own.
                violated("set to what it never was: " + describe(sending.operation));
        if (!refused_ || sending.monotonic - *refused_ > guard_facts_age_max + slack)
            violated("changed a setting that does no harm: " + describe(sending.operation));
    }

private:
    std::optional<Duration> refused_;  // Monotonic, last.
};

// Records that nobody can name are given up only where a person has agreed, never while somebody who holds them leads
// or did not lead just before, and for the one of those that serve that has got furthest.
class LossesAgreed final : public Checker {
public:
    std::string_view name() const override { return "losses-agreed"; }
    void on_tick(const Ticked& ticked) override {
        if (ticked.cluster.entries.leader < 0) leaderless_ = ticked.monotonic;
        const auto serving = ticked.cluster.entries_served_by();
        for (const int id : {2, 3})
            if (std::ranges::find(serving, id) == serving.end()) away_[id] = ticked.monotonic;
    }
    void on_sending(const Sending& sending) override {
        const auto* election = std::get_if<ElectUncleanLeader>(&sending.operation.body);
        if (election == nullptr) return;
        if (!is_agreed(sending)) violated("gave records up and nobody had agreed: " + sending.operation.key);
        if (!leaderless_ || sending.monotonic - *leaderless_ > guard_facts_age_max + slack)
            violated("gave records up that somebody holds: " + describe(sending.operation));
        const auto& entries = sending.cluster.entries;
        for (const int id : {2, 3})
            if (entries.end_of(id) > entries.end_of(election->expected) &&
                sending.monotonic - away_[id] > guard_facts_age_max + slack)
                violated("gave more up than needed be: " + describe(sending.operation));
    }

private:
    std::optional<Duration> leaderless_;  // Monotonic, last.
    std::map<int, Duration> away_;
};

// Of a sink's records only the one that it can't take is passed over, and only where a person has agreed: no policy
// here names the connector. Back the group goes only to where the agent has taken it from.
class RecordsKept final : public Checker {
public:
    std::string_view name() const override { return "records-kept"; }
    void on_tick(const Ticked& ticked) override {
        if (ticked.cluster.sink.poison) poison_ = ticked.cluster.sink.poison;
    }
    void on_sending(const Sending& sending) override {
        const auto* alter = std::get_if<AlterConnectorOffset>(&sending.operation.body);
        if (alter == nullptr) return;
        if (alter->to < alter->from) {
            if (!skipped_.contains(alter->to))
                violated("put back what was not skipped: " + describe(sending.operation));
            return;
        }
        skipped_.insert(alter->from);
        if (alter->to - alter->from != 1 || poison_ != alter->from)
            violated("passed over what was no bad record: " + describe(sending.operation));
        if (!is_agreed(sending)) violated("passed over a record and nobody had agreed: " + sending.operation.key);
    }

private:
    std::optional<std::int64_t> poison_;
    std::set<std::int64_t> skipped_;
};

// A client is held to a quota only while it overloads its broker, or did within the time that facts may be old, and
// never to less than an equal part of what the broker bears.
class ClientsHeldFairly final : public Checker {
public:
    std::string_view name() const override { return "clients-held-fairly"; }
    void on_tick(const Ticked& ticked) override {
        if (ticked.cluster.producers().idle() < idle_healthy) noisy_ = ticked.monotonic;
    }
    void on_sending(const Sending& sending) override {
        const auto* hold = std::get_if<AlterClientQuota>(&sending.operation.body);
        if (hold == nullptr || (sending.intent && sending.intent->undo)) return;
        const double fair = (1 - busy_wanted) * sim::SimProducers::bearable / sim::SimProducers::count;
        for (const auto& [key, value] : hold->set)
            if (hold->client_id != sim::noisy_client || !value || *value < fair - 1)
                violated("held to less than its share: " + describe(sending.operation));
        if (!noisy_ || sending.monotonic - *noisy_ > guard_facts_age_max + slack)
            violated("held a client that does no harm: " + describe(sending.operation));
    }

private:
    static constexpr double idle_healthy = 0.3, busy_wanted = 0.5;
    std::optional<Duration> noisy_;  // Monotonic, last.
};

// Only consumers whose process is dead or that hang, or did within the time that facts may be old, are taken out of
// their group.
class LivingMembersStay final : public Checker {
public:
    std::string_view name() const override { return "living-members-stay"; }
    void on_tick(const Ticked& ticked) override {
        for (const auto& [number, task] : ticked.cluster.tasks)
            if (!ticked.cluster.worker.up || task.stuck)
                useless_[fmt::format("connector-consumer-orders-{}", number)] = ticked.monotonic;
    }
    void on_sending(const Sending& sending) override {
        const auto* removal = std::get_if<RemoveGroupMembers>(&sending.operation.body);
        if (removal == nullptr) return;
        for (const GroupMembers& one : removal->of)
            for (const std::string& consumer : one.client_ids) {
                const auto last = useless_.find(consumer);
                if (last == useless_.end() || sending.monotonic - last->second > guard_facts_age_max + slack)
                    violated("took living consumers out of their group: " + describe(sending.operation));
            }
    }

private:
    std::map<std::string, Duration> useless_;  // By consumer; monotonic, last.
};

}  // namespace

void add_reach_checkers(std::vector<std::unique_ptr<Checker>>& all) {
    all.push_back(std::make_unique<BlastRadiusKept>());
    all.push_back(std::make_unique<PartitionsKept>());
    all.push_back(std::make_unique<IsolatedAlone>());
    all.push_back(std::make_unique<StormAsks>());
    all.push_back(std::make_unique<CordonKept>());
    all.push_back(std::make_unique<RolloutKept>());
    all.push_back(std::make_unique<ManagedLeftAlone>());
    all.push_back(std::make_unique<ElectionsInSync>());
    all.push_back(std::make_unique<LeadersMoveSafely>());
    all.push_back(std::make_unique<CoordinatorsMoveSafely>());
    all.push_back(std::make_unique<SettingsOnlyRestored>());
    all.push_back(std::make_unique<LossesAgreed>());
    all.push_back(std::make_unique<RecordsKept>());
    all.push_back(std::make_unique<ClientsHeldFairly>());
    all.push_back(std::make_unique<LivingMembersStay>());
}

}  // namespace medic::simulation
