// What a backtest has found: incidents as the loop told of them, one case for one episode of trouble, with what would
// have been proposed and what objected. Fed by the loop's effects; it judges nothing itself.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/loop/incident.h"
#include "agent/loop/loop.h"
#include "remediations/guards/policy.h"
#include "remediations/planning/planner.h"

namespace medic::backtest {

// What the agent would have put forward. Facts that only a live look gives are not known here, and are named.
struct Proposal {
    std::string remedy;                                        // "": no remedy is known.
    std::string plan;                                          // "": none could be made, see `live_facts`.
    std::vector<std::string> steps;                            // Of the plan.
    std::string mode, mode_why;                                // What the policy says of it: observe, ask, auto.
    std::vector<std::pair<std::string, std::string>> refused;  // Guard and why, for what history does tell.
    std::vector<std::string> live_facts;                       // What would have to be looked up then.
};

struct Case {
    std::string id;     // Of the first incident of the episode: I17.
    std::string cause;  // "": none could be told.
    std::string group, side, owner, summary;
    Subject subject;
    WallTime since;
    std::optional<WallTime> until;  // nullopt: it went on at the end.
    double confidence = 0;
    std::vector<std::string> evidence, missing;
    Proposal proposal;
    std::vector<std::string> incidents;  // All of the episode, the first one included.
    [[nodiscard]] Duration lasted(WallTime end) const { return until.value_or(end) - since; }
};

struct CaseOptions {
    std::size_t incidents_max = 10'000;  // More are counted, not kept.
    // The same trouble at the same place within this time of its end, told anew: an episode, not another incident.
    Duration gap{5 * 60'000};
};

class CaseBook {
public:
    // `policy` is the one that would have been in force; the loop itself only observes.
    CaseBook(const Policy& policy, const Planner& planner, CaseOptions options = {});

    void take(const std::vector<Incident>& updates);
    // Episodes, oldest first. Incidents that begin before `from` and end before it are left out.
    [[nodiscard]] std::vector<Case> cases(WallTime from) const;
    [[nodiscard]] std::size_t dropped() const { return dropped_; }

private:
    struct Entry {
        Case one;
        std::string place;  // The process or thing that ails, by whatever name.
        std::map<std::string, std::string> objections;
        std::vector<std::string> untried;
        int number = 0;
    };
    void read_plan(Entry& entry, const Incident& incident) const;
    [[nodiscard]] static bool goes_on(const Entry& before, const Entry& after, Duration gap);

    const Policy& policy_;
    const Planner& planner_;
    CaseOptions options_;
    std::map<std::string, Entry> entries_;
    std::size_t dropped_ = 0;
};

}  // namespace medic::backtest
