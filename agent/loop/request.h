// What a person may ask the loop for beyond healing. Read by the API, to refuse at once what can't be done, and by the
// loop, which may hear of it later.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/loop/incident.h"
#include "agent/loop/input.h"
#include "remediations/planning/planning_view.h"

namespace medic {

inline constexpr std::string_view roll_cause = "operator.roll";
inline constexpr std::size_t roll_nodes_max = 30;  // Of one request; two steps each.

// The nodes of `role` that `wanted` names, in the configuration's order; all but spares where it is empty.
// invalid: an unknown role or node, a driver that can't stop and start it, or too many.
[[nodiscard]] Result<std::vector<std::string>> nodes_to_roll(const ClusterInfo& cluster, const std::string& role,
                                                             const std::vector<std::string>& wanted);

// A person has asked for it, and it has neither ended nor been left to a person: there is one of a cause at a time.
[[nodiscard]] bool is_request_under_way(const Incident& incident, std::string_view cluster, std::string_view cause);
// What whoever asks for another one is told: who has asked, since when, and what can be done.
[[nodiscard]] std::string already_asked(const Incident& incident, WallTime now);

// Whether a command about what is there (approve, reject, stop, undo, pause, resume) does what whoever gives it
// believes. `known`: the newest incidents, with all open ones. invalid: no such incident or action; not_ready: it no
// longer waits for an answer, it can't be taken back, or something else goes on holding up what was to go on.
[[nodiscard]] Status can_be_carried_out(const OperatorCommand& command, const std::vector<Incident>& known,
                                        const std::vector<Pause>& pauses);
// Something was done that its plan can take back.
[[nodiscard]] bool can_be_undone(const Incident& incident);
[[nodiscard]] bool can_be_undone_now(const Incident& incident);  // And nothing of it is under way.

// invalid: a job without a deployment, a version that is not in the configuration, no folder for savepoints, a doubt
// that nobody has.
[[nodiscard]] Status deployment_to_make(const ClusterInfo& cluster, const DeploymentWish& wish);

// invalid: not one node, or none of the cluster's.
[[nodiscard]] Status node_to_cordon(const ClusterInfo& cluster, const std::vector<std::string>& nodes);
// As remedies and rolls see it: whose cordon a node is under, and that it is no spare then.
[[nodiscard]] ClusterInfo with_cordons(ClusterInfo cluster, const std::vector<Cordon>& cordons);

}  // namespace medic
