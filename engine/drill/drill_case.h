// A drill: a fault, what the agent should say of it and do about it, and how a person would see that records flow
// again. One folder each under engine/drill/cases. Nothing in the agent may know one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "engine/drill/agent_process.h"
#include "engine/drill/platform.h"
#include "engine/drill/recovery_watch.h"

namespace medic::engine::drill {

struct LabShape {
    int slots = 2;  // Per task manager.
    int job_parallelism = 4;
    bool kills_tasks = true;                       // The driver of its Connect worker can end a single task.
    bool grows_disks = true;                       // The drivers of its brokers can grow a log directory.
    std::int64_t log_dir_capacity_bytes = 0;       // Of each broker; 0: as the runner's options say.
    Duration broker_start{0};                      // What each broker takes to start beyond its own time.
    std::map<std::string, std::string> kafka{};    // Settings of its brokers beside the profile's.
    std::map<std::string, std::string> connect{};  // Likewise of its Connect worker …
    std::map<std::string, std::string> flink{};    // … and of its job and task managers.
    auto operator<=>(const LabShape&) const = default;
};

struct LogEffect {
    std::string line;  // Part of a line in the log of any process.
    int most = 1;      // For each incident that was acted on.
};

struct DrillCase {
    std::string name;
    std::string injected_by;  // One line for people.
    std::string expected_side, expected_cause, expected_remedy;

    // As right, where the agent is killed during the drill: what one says that begins to watch after the fault.
    std::string cause_afterwards{};

    // The fault. Returns when it has begun.
    Status (*inject)(Platform&) = nullptr;
    // Where set, nothing is wrong: a person asks the agent for something, and on the other arm does it by hand
    // (`inject`, which is then watched from its beginning).
    Status (*ask)(const AgentProcess&, const Platform&) = nullptr;
    // The agent may do it only with a person's agreement, which the drill gives as soon as it is asked for.
    bool wants_agreement = false;
    // How the agent's incident ends where it is not healed: "undone".
    std::string ends_as{};
    // Records processed so far on the path that the fault hits.
    Result<std::uint64_t> (*progress)(Platform&) = nullptr;
    // Where set, recovery is judged by it instead: the platform was unsafe, and is safe again.
    Result<bool> (*safe)(Platform&) = nullptr;
    // Where set: false as long as the fault still grows. A drill isn't over before it is spent.
    bool (*spent)(const Platform&) = nullptr;
    // The remedy limits the harm, and only a person ends it: what the agent says of that counts, records don't, and the
    // lab is of no further use.
    bool left_to_person = false;
    // Once healed the lab is another one (a job that is wider): the fault would do nothing to it.
    bool changes_lab = false;
    // What of the records is checked at the end; not needed where it is left to a person.
    Result<RecordCheck> (*check)(Platform&, Duration patience) = nullptr;
    // What the remedy does to the platform, as the platform's own logs tell it; more often than `most` is done twice.
    std::vector<LogEffect> effects{};
    // Puts the outside back (a service, the load) for the next drill; what the agent should heal is not its business.
    Status (*clear)(Platform&) = nullptr;

    // Another shape of the lab than the usual one; a lab of another shape is started anew.
    LabShape shape{};
    RecoveryOptions recovery{};
    double rate_factor = 1;      // Rate that must flow in the end, as a multiple of the rate before the fault.
    bool at_least_once = false;  // The fault itself repeats records on this path.
    // How long the agent must have watched before the fault: it judges a standstill against the subject's own history.
    Duration history{0};
    // Both arms are given at least so long: where the products, or a person, are given minutes before one acts.
    Duration patience{0};
    std::string note;  // Printed with the result.
};

// In the order in which `--all` runs them; generated from the folders below cases/.
namespace cases {
[[nodiscard]] std::vector<DrillCase> all_cases();
}

// Records that have passed the lookup service: every record of the job does, whatever engine runs it.
[[nodiscard]] Result<std::uint64_t> job_progress(Platform& platform);
// Batches that the SQLite sink has had confirmed.
[[nodiscard]] Result<std::uint64_t> connector_progress(Platform& platform);
[[nodiscard]] Result<RecordCheck> check_job_records(Platform& platform, Duration patience);
[[nodiscard]] Result<RecordCheck> check_connector_records(Platform& platform, Duration patience);
// The job's, and those of the topic that fills a disk, which keeps them all.
[[nodiscard]] Result<RecordCheck> check_job_and_filler(Platform& platform, Duration patience);
// Every broker is below the level from which one must act. A broker that doesn't answer is not.
[[nodiscard]] Result<bool> disks_have_room(Platform& platform);

}  // namespace medic::engine::drill
