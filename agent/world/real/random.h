// The system's randomness, and files that only their owner may read: what keys are made of and kept in.
// For agent/daemon and agent/api; the core never draws random numbers.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace medic {

[[nodiscard]] Result<std::string> random_bytes(std::size_t count);
// Writes a whole new file with mode 600, or leaves none. invalid: it can't be written.
[[nodiscard]] Status write_private_file(const std::string& path, std::string_view text);

}  // namespace medic
