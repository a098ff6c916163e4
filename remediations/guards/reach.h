// What an operation reaches, for the guards that bound it.
#pragma once

#include <string>
#include <string_view>

#include "agent/world/operation.h"

namespace medic {

// The node whose process it ends; nullptr: it takes none away.
[[nodiscard]] const std::string* taken_node(const OperationBody& body);
[[nodiscard]] bool tells_of_taken_node(std::string_view described);  // Of a text that describe(operation) has made.

}  // namespace medic
