// What a file holds, in short: two with the same hash are the same. Blocks as the file system does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace medic {

// "sha256:…" in small hexadecimal digits. Errors: unavailable (can't be read), invalid (longer than `bytes_max`).
[[nodiscard]] Result<std::string> sha256_of_file(const std::string& path, std::uint64_t bytes_max);
// The same of a text.
[[nodiscard]] Result<std::string> sha256_of(std::string_view text);

}  // namespace medic
