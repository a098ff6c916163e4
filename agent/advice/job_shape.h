// What a Flink job is built like and how its parts have done so far: what advice is drawn from. Plain data; absent
// figures are nullopt, never zero.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace medic::advice {

// Since the subtask's present attempt began.
struct Subtask {
    std::optional<double> records_in, busy_ms;
    double running_ms = 0;
};

struct Edge {
    std::string from;      // Vertex id.
    std::string strategy;  // FORWARD, HASH, REBALANCE, RESCALE, BROADCAST, …
};

struct Vertex {
    std::string id, name, description;  // The description names the chained operators.
    int parallelism = 0, max_parallelism = 0;
    std::vector<Edge> inputs;
    std::vector<Subtask> subtasks;
};

struct Checkpointing {
    std::optional<bool> enabled, kept_on_cancel;
    std::optional<std::int64_t> interval_ms, timeout_ms, min_pause_ms;
    std::optional<double> usual_ms, longest_ms;  // End to end: median and maximum of the completed ones.
    std::optional<double> size_bytes;            // Median.
    std::string storage;                         // JobManagerCheckpointStorage, FileSystemCheckpointStorage, …
};

struct JobShape {
    std::string name, id;
    std::vector<Vertex> vertices;
    Checkpointing checkpoints;
    std::optional<int> slots, cpu_cores;  // Of all task managers.
    [[nodiscard]] const Vertex* vertex(const std::string& vertex_id) const {
        for (const auto& one : vertices)
            if (one.id == vertex_id) return &one;
        return nullptr;
    }
};

}  // namespace medic::advice
