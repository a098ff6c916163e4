// Healers to compare with: each sees what our agent sees, and sends operations to the same simulated cluster. None is
// the agent; `ours` wraps its real loop, guards, planner, outbox and journal.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/loop/input.h"
#include "agent/world/sim/cluster.h"

namespace medic::simulation {

class Observer;

// One look, and the way to what can be looked up.
struct Look {
    Instant monotonic;
    WallTime now;
    Observer& observer;
    const sim::SimCluster& cluster;         // Only for what anybody can ask: states and ids.
    std::vector<OperationReply> replies{};  // Since the last look.
    std::vector<Input> people{};            // Commands to the agent. Only `ours` takes them.
};

class Healer {
public:
    Healer() = default;
    Healer(const Healer&) = delete;
    Healer& operator=(const Healer&) = delete;
    virtual ~Healer() = default;
    [[nodiscard]] virtual std::vector<Operation> look(Look look) = 0;
    [[nodiscard]] virtual std::size_t left_to_people() const { return 0; }  // Incidents at the end.
};

enum class Arm : std::uint8_t { ours, ours_cautious, nothing, restart_always, thresholds };
inline constexpr std::array all_arms{Arm::ours, Arm::ours_cautious, Arm::nothing, Arm::restart_always, Arm::thresholds};
[[nodiscard]] std::string_view to_string(Arm arm);

[[nodiscard]] std::unique_ptr<Healer> healer(Arm arm, std::uint64_t seed);

}  // namespace medic::simulation
