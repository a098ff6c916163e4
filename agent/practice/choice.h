// Which fault may be made where, and why not elsewhere. Pure: the configuration and the agent's word in, reasons out.
// What the agent may not take out of service, a drill may not either: the same guards are asked.
#pragma once

#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/config/config.h"
#include "agent/config/drills.h"
#include "agent/practice/fault.h"
#include "agent/practice/standing.h"

namespace medic::practice {

// One fault on one node.
struct Possibility {
    const Fault* fault = nullptr;
    std::string node{};
    std::vector<std::string> why_not{};  // Empty: it can be made.
    std::vector<std::string> notes{};    // What it costs here beyond what the fault says.
    bool has_work = false;               // Known to do something that is missed.
    [[nodiscard]] bool possible() const { return why_not.empty(); }
};

struct ChoiceOptions {
    // The person says so: jobs come back with a job manager that is started again.
    bool highly_available = false;
};

// Empty: the configuration allows drills on it. Else the refusal, with file, line, key and what to do.
[[nodiscard]] std::string not_allowed(const DrillsConfig& drills, const std::string& cluster,
                                      const std::string& config_path);
// Why nothing may be practised on it now, whatever the fault; empty: nothing speaks against it.
[[nodiscard]] std::vector<std::string> objections(const Standing& standing);
// Every fault on every node of its role, in the configuration's order.
[[nodiscard]] std::vector<Possibility> possibilities(const ClusterConfig& cluster, const Standing& standing,
                                                     const ChoiceOptions& options = {});
// The one on `node`, or on the first node with work where that is "". invalid: no such fault or node. not_ready: it is
// not possible, and why.
[[nodiscard]] Result<Possibility> choose(const std::vector<Possibility>& all, std::string_view fault,
                                         const std::string& node);

}  // namespace medic::practice
