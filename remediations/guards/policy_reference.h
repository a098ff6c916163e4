// The reference page of policy.yaml (Markdown), with the defaults that the reader takes. Printed by the command line.
#pragma once

#include <string>

namespace medic {

[[nodiscard]] std::string policy_reference();

}  // namespace medic
