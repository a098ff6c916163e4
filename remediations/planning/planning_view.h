// What a remedy may know besides the diagnosis: what exists (configuration as plain values) and the facts it asked for.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.h"
#include "agent/store/fact.h"

namespace medic {

struct NodeInfo {
    std::string name{};
    std::string role{};  // broker | connect-worker | jobmanager | taskmanager
    std::string zone{};
    bool spare = false;      // As it is now: by fact where known, else as the journal remembers, else as configured.
    std::string cordoned{};  // Who keeps it out of use, and why; "": nobody. It is no spare then.
    // What its driver offers.
    bool can_start = false, can_stop = false, can_kill = false, can_kill_task = false, can_grow = false;
};

// What a version that was just deployed must show before the old one is given up.
struct HealthGate {
    Duration hold{60'000};        // For how long it must do so without a break.
    Duration within{5 * 60'000};  // By when it must begin to: restoring a large state takes minutes.
    std::string group{};          // Of its source, as Kafka knows it; "": its lag is not looked at.
    std::int64_t lag_max = 0;     // Records that this group may lie behind.
};

struct DeploymentInfo {
    std::string job{};
    std::string savepoints{};  // Folder for savepoints.
    std::vector<std::string> versions{};
    std::map<std::string, int> parallelism{};                  // Of each version.
    int parallelism_max = 0;                                   // 0: no limit configured.
    bool fenced = false;                                       // Its start command is told the fencing token.
    std::map<std::string, std::string> artifacts{};            // Of each version, where this machine has it.
    std::map<std::string, std::vector<std::string>> topics{};  // That each version reads and writes, where it is told.
    HealthGate gate{};
};

// Another system owns the definition of what matches.
struct ManagedBy {
    std::string object{};   // A glob over KIND:NAME: "job:fraud-*", "topic:*", "*".
    std::string by{};       // strimzi | flink-operator | terraform | ci | a name of your own; nobody: it is free.
    bool restarts = false;  // It restarts and replaces, too, and that is left to it as well.
};

struct ClusterInfo {
    std::string name{};
    std::vector<NodeInfo> nodes{};
    std::vector<DeploymentInfo> deployments{};
    std::vector<ManagedBy> managed{};  // The first that fits decides.
    std::string dead_letters{};  // Topic for records that a sink can't read, with {connector}; "": none is wanted.
};

struct PlanningView {
    ClusterInfo cluster;
    std::vector<Fact> facts{};                                    // Answers to Remedy::needs, unknown ones included.
    std::map<std::string, Duration> floors{};                     // Retention floors that the policy names, by object.
    std::set<std::pair<std::string, std::string>> quarantined{};  // job, version
    WallTime now{};
    Duration facts_age_max{15'000};

    [[nodiscard]] const NodeInfo* node(std::string_view name) const;
    [[nodiscard]] const DeploymentInfo* deployment(std::string_view job) const;
    [[nodiscard]] const Fact* fact(const FactKey& key) const;  // Only when known and fresh.
};

}  // namespace medic
