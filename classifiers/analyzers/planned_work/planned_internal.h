// What the recognisers of planned work share: how long an absence lasts, whether a process ended in good order, and the
// finding that says so. Only for this folder.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::planned_work {

inline constexpr Duration look_back{30 * 60'000};
// After the node is back its peers need a moment to notice: followers catch up, groups settle.
inline constexpr Duration settling{60'000};
// A cluster gives a silent broker or worker up after its session at the soonest (Kafka's default:
// broker.session.timeout.ms = 9 s, with a heartbeat every 2 s: 7 s after its death). Whoever was seen alive this short
// before and is no longer counted as a member has signed off.
inline constexpr Duration signed_off_within{6'000};
// Told or logged about when the process ended: systemd gives up on a slow stop after 90 s (TimeoutStopSec).
inline constexpr Duration stop_takes_max{120'000};
inline constexpr Duration told_late_max{15'000};

struct Absence {
    WallTime last_there, began, newest;
    std::optional<WallTime> ended;  // nullopt: still away.
};

// The latest absence that a 0-or-1 series shows; nullopt: none, or nothing fresh. Who was never seen is not absent.
[[nodiscard]] std::optional<Absence> last_absence(const Lookup& lookup, SeriesId presence);

// What says that the process of the node was ended by request at about `began`: its service manager or its own log.
[[nodiscard]] std::optional<Evidence> ended_by_request(const Lookup& lookup, const std::string& cluster,
                                                       const std::string& node, const Absence& absence);

struct Work {
    Subject subject;
    std::string kind;  // roll | decommission | stop | deploy | maintenance
    WallTime since;
    std::string what;                        // For a person.
    std::map<std::string, std::string> who;  // broker, node, taskmanager, worker, job, connector: whose absence it is.
    std::vector<Evidence> evidence;
    std::string doubt;  // Why it explains nothing (any more); "" = it does.
};
[[nodiscard]] Finding finding_of(Work work);

// "" or why an absence of this length needs a person.
[[nodiscard]] std::string overdue(const Lookup& lookup, const Absence& absence);
// An absence that is over, and so long ago that nothing is left of it.
[[nodiscard]] bool settled(const Lookup& lookup, const Absence& absence);

// Maintenance of it, or of its whole cluster, was told and has not ended.
[[nodiscard]] bool told_of(const Lookup& lookup, const Subject& subject);

void find_brokers(const Lookup& lookup, std::vector<Finding>& found);
void find_job_managers(const Lookup& lookup, std::vector<Finding>& found);
void find_task_managers(const Lookup& lookup, std::vector<Finding>& found);
void find_workers(const Lookup& lookup, std::vector<Finding>& found);
void find_requests(const Lookup& lookup, std::vector<Finding>& found);     // Jobs and connectors ended by their owners.
void find_deployments(const Lookup& lookup, std::vector<Finding>& found);  // New versions, changed connectors.
void find_notices(const Lookup& lookup, std::vector<Finding>& found);      // What people told us.

}  // namespace medic::analyzers::planned_work
