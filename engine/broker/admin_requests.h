// The administrators' requests that the controller decides, from wire message to ControllerState and back.
#pragma once

#include "agent/wire/frame.h"
#include "engine/broker/controller_state.h"

namespace medic::engine::broker {

[[nodiscard]] bool is_decided_by_controller(wire::ApiKey api);

// The answer's whole frame. Errors: invalid (a request that can't be read, or one the controller does not decide).
[[nodiscard]] Result<std::string> answer_admin(ControllerState& state, const wire::RequestView& request);

}  // namespace medic::engine::broker
