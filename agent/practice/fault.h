// The faults that `medic drill --config` can make on somebody's own cluster, and undo: a node's process killed or
// stopped for a while. Data; what makes them is hands.h. The drills of the embedded platform are others (engine/drill).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace medic::practice {

struct Fault {
    enum class Kind : std::uint8_t {
        kill,   // The driver's `kill`; undone by its `start`.
        freeze  // SIGSTOP to the process on this host; undone by SIGCONT.
    };
    std::string_view name, role;  // "taskmanager-lost", "taskmanager"
    Kind kind = Kind::kill;
    std::string_view cause;  // What the agent should say of it; its side is always `system`.
    std::string_view costs;  // What is worse while it lasts, for a person.
};

[[nodiscard]] std::span<const Fault> all_faults();
[[nodiscard]] const Fault* find_fault(std::string_view name);
[[nodiscard]] std::string made_by(const Fault& fault);    // "kill of its process, by its driver's `kill`"
[[nodiscard]] std::string undone_by(const Fault& fault);  // "its driver's `start`"

}  // namespace medic::practice
