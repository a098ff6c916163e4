#include "engine/connect/model.h"

#include <array>
#include <utility>

namespace medic::engine::connect {
namespace {

constexpr std::array<std::pair<State, std::string_view>, 6> state_names{{{State::unassigned, "UNASSIGNED"},
                                                                         {State::running, "RUNNING"},
                                                                         {State::paused, "PAUSED"},
                                                                         {State::stopped, "STOPPED"},
                                                                         {State::failed, "FAILED"},
                                                                         {State::restarting, "RESTARTING"}}};

}  // namespace

std::string_view to_string(State state) { return state_names[static_cast<std::size_t>(state)].second; }

std::optional<State> parse_state(std::string_view text) {
    for (const auto& [state, name] : state_names)
        if (name == text) return state;
    return std::nullopt;
}

std::string_view to_string(ConnectorType type) { return type == ConnectorType::source ? "source" : "sink"; }

std::string to_string(const TaskKey& key) { return key.connector + "-" + std::to_string(key.task); }

}  // namespace medic::engine::connect
