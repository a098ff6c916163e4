// What a Connect worker knows of a connector, as values. Names and states are Kafka Connect's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace medic::engine::connect {

using Config = std::map<std::string, std::string>;

enum class State : std::uint8_t { unassigned, running, paused, stopped, failed, restarting };
[[nodiscard]] std::string_view to_string(State state);  // "RUNNING", …
[[nodiscard]] std::optional<State> parse_state(std::string_view text);

enum class ConnectorType : std::uint8_t { source, sink };
[[nodiscard]] std::string_view to_string(ConnectorType type);  // "source", "sink"

struct TaskKey {
    std::string connector;
    int task = 0;
    auto operator<=>(const TaskKey&) const = default;
};
[[nodiscard]] std::string to_string(const TaskKey& key);  // "orders-sink-0", as Connect names tasks in its messages

// What REST answers instead of doing it: Connect's {"error_code": status, "message": …}.
struct Refusal {
    int status = 500;
    std::string message;
};

struct TaskStatus {
    int id = 0;
    State state = State::unassigned;
    std::string trace;  // Only when failed.
    std::int64_t pid = 0;
};

struct ConnectorStatus {
    std::string name;
    State state = State::unassigned;
    std::string trace;
    std::vector<TaskStatus> tasks;
    ConnectorType type = ConnectorType::source;
};

struct ConnectorInfo {
    std::string name;
    Config config;
    std::vector<int> tasks;
    ConnectorType type = ConnectorType::source;
};

}  // namespace medic::engine::connect
