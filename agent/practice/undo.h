// What undoes a drill's fault now, from what is seen: pure. Undoing twice does nothing twice: a node that runs is never
// started, a process that is not the one that was stopped is never thawed, and what a spare has taken over is not
// started beside it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/practice/drill_files.h"
#include "agent/practice/fault.h"

namespace medic::practice {

// One node's process, as it is seen now. nullopt: it can't be told.
struct NodeSight {
    std::optional<bool> up{}, stopped{}, spare{};
    int pid = 0;              // 0: not known. Of another host where a sidecar tells it.
    double start_time = 0;    // 0: not known.
    bool start_told = false;  // Its driver itself tells since when it runs, or it is this host's own systemd that does.
    std::string problem{};    // Why it can't be told.
};

struct UndoQuestion {
    NodeSight node{};
    std::optional<std::string> replaced_by{};  // A former spare that works by now.
    bool agent_at_work = false;                // It has begun on what the drill caused, and is not done.
    bool can_start_spare = false;
};

struct UndoStep {
    enum class Kind : std::uint8_t { done, look_again, thaw, start, start_spare, person };
    Kind kind = Kind::done;
    std::string why{};  // For a person.
};

[[nodiscard]] UndoStep next_undo(const UndoRecord& record, const UndoQuestion& question);
// The process is the very one that was there before the fault.
[[nodiscard]] bool is_same_process(const UndoRecord& record, const NodeSight& node);

}  // namespace medic::practice
