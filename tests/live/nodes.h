// `medic-live node ACTION`: the agent's driver for the processes of the real products on this machine.
#pragma once

#include <string>

#include "agent/base/result.h"

namespace medic::live {

struct NodeCall {
    std::string action;  // status | start | start-spare | stop | kill | freeze | thaw
    std::string data_dir, node;
};

// Prints what `status` is asked for. Errors: invalid (no such node).
[[nodiscard]] Status call_node(const NodeCall& call);

}  // namespace medic::live
