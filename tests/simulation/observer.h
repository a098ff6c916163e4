// The agent's eyes in the simulation: truth, delayed, and at times frozen, dark, partial or flapping.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/loop/input.h"
#include "agent/world/sim/cluster.h"

namespace medic::simulation {

class Observer {
public:
    explicit Observer(const sim::SimCluster& cluster) : cluster_(cluster) {}

    [[nodiscard]] DiagnosisReport report(WallTime now);
    [[nodiscard]] Facts answer(const std::vector<FactKey>& keys, WallTime now);
    [[nodiscard]] OperationsUnderWay under_way(WallTime now) const;
    [[nodiscard]] ActingAgents acting_agents() const;
    void shift(Duration by);  // The wall clock stepped.

    bool dark = false;              // Nothing can be looked up.
    bool frozen = false;            // Answers repeat the last ones, as old as they are.
    bool blind = false;             // Most targets are lost from sight.
    bool somebody_at_work = false;  // A person takes a savepoint of the job.
    bool silenced = false;          // A person has silenced the cluster's alerts.
    bool paused_by_file = false;
    bool has_good_version = true;  // A version that ran well before the bad one is known.
    bool everywhere = false;       // What is wrong here is reported of two other clusters as well.
    enum class Acting : std::uint8_t { ours, another, unknown };
    Acting agent = Acting::ours;  // Who has the lease, where several agents share one.

private:
    void suspect(Diagnosis diagnosis, WallTime now, std::vector<Diagnosis>& out);
    void report_coordinator(WallTime now, std::vector<Diagnosis>& out);
    void report_load(WallTime now, std::vector<Diagnosis>& out);
    void report_entries(WallTime now, std::vector<Diagnosis>& out);
    void report_connect(WallTime now, std::vector<Diagnosis>& out);
    void report_slowness(WallTime now, std::vector<Diagnosis>& out);
    void report_noise(WallTime now, std::vector<Diagnosis>& out);
    const sim::SimCluster& cluster_;
    std::map<std::string, WallTime> first_seen_;  // Evidence is conclusive only after a while.
    std::set<std::string> seen_now_;
    std::map<FactKey, Fact> last_;
};

}  // namespace medic::simulation
