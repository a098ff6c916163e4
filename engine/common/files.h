// Small files of the engine's processes: read whole, or replaced whole so that a crash leaves the old or the new one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace medic::engine {

// nullopt: there is no such file. Errors: unavailable (I/O), invalid (larger than 16 MiB).
[[nodiscard]] Result<std::optional<std::string>> read_file_if_there(const std::string& path);

// Writes beside it, syncs, renames. Errors: unavailable (I/O).
[[nodiscard]] Status write_file_whole(const std::string& path, std::string_view text);

}  // namespace medic::engine
