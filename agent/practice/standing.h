// What a running agent knows of one cluster before somebody practises on it: who is up, who is needed, what is open,
// what it would do. The agent tells it (GET /api/v1/practice, filled in agent/daemon), the command line reads it: one
// document, two directions. Absence is told as absence.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace medic::practice {

struct NodeStanding {
    std::string name{}, role{}, zone{};
    bool spare = false;                             // As it is now.
    std::optional<bool> up{};                       // nullopt: not known, or too old.
    std::optional<bool> stopped{};                  // Its process is stopped (SIGSTOP).
    std::string broker{}, worker{}, taskmanager{};  // Which it is; "": not known.
    std::optional<std::string> needed_by{};         // Of a broker: the fact kafka_broker_needed_by.
    std::optional<double> logs_to_recover{};        // Of a broker.
    std::optional<double> slots{}, slots_free{};    // Of a task manager.
    std::string silenced{};                         // Somebody has silenced it; "": nobody.
};

struct ModeStanding {
    std::string cause{}, remedy{}, mode{}, why{};  // mode: observe | ask | auto; why: which rule says so.
};

struct IncidentStanding {
    std::string id{}, cause{}, state{};
};

struct PauseStanding {
    std::string cluster{}, by{}, reason{};  // cluster "": all.
};

struct WorkStanding {
    std::string kind{}, subject_kind{}, subject{}, by{};
};

struct Standing {
    std::string cluster{};
    WallTime at{};                          // By the agent's clock.
    std::optional<WallTime> reported_at{};  // Its newest look.
    std::size_t targets = 0, blind = 0;
    double tick_lateness_seconds = 0;
    std::optional<bool> pause_file{};
    std::vector<PauseStanding> pauses{};  // That concern this cluster.
    std::optional<WallTime> operations_at{};
    std::vector<WorkStanding> operations{};  // By others.
    std::size_t storm_incidents = 0;         // 0: no storm.
    bool several_agents = false;
    std::string acting_problem{}, acting_holder{};  // Of several agents: who acts instead, or why nobody knows.
    std::string silences_problem{};                 // What is silenced can't be read; "": it can, or nobody is asked.
    std::vector<IncidentStanding> incidents{};      // Open ones.
    std::vector<NodeStanding> nodes{};
    std::vector<ModeStanding> modes{};  // Of each cause that a drill expects.

    [[nodiscard]] const NodeStanding* node(std::string_view name) const;
    // The first remedy of the cause, as the policy has it; nullptr: none is known.
    [[nodiscard]] const ModeStanding* mode(std::string_view cause) const;
};

[[nodiscard]] std::string standing_document(const Standing& standing);
// Errors: invalid (no such document).
[[nodiscard]] Result<Standing> read_standing_document(std::string_view text);

}  // namespace medic::practice
