// The herder's private structures, shared by herder.cc (what should be) and supervise.cc (making it so).
#pragma once

#include <chrono>

#include "engine/connect/herder.h"

namespace medic::engine::connect {

using SteadyTime = std::chrono::steady_clock::time_point;

// One task. `wanted` counts the wishes to (re)start or stop it, `settled` the last one that was fulfilled or given up.
struct Herder::TaskSlot {
    struct Process {
        ProcessId id;
        std::unique_ptr<Link> link;
        bool link_open = true;
        std::optional<SteadyTime> stop_deadline;  // Set while a graceful stop is under way.
    };

    TaskKey key;
    bool should_run = true;
    std::uint64_t wanted = 0, settled = 0;

    State state = State::unassigned;
    std::string trace;
    std::map<std::string, double> metrics;
    std::map<std::string, std::string> offsets;  // Partition object → offset object, both JSON text.
    std::vector<std::string> topics;
    std::optional<Process> process;
};

struct Herder::Connector {
    StoredConnector stored;
    ConnectorType type = ConnectorType::source;
    State state = State::unassigned;
    std::string trace;
    std::map<int, TaskSlot> tasks;
};

}  // namespace medic::engine::connect
