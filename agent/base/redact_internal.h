// redact() with a count of its work. Only for redact.cc and its test.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace medic::redact_internal {

// Adds to `steps` the characters that were looked at. Texts come from whoever writes a log or an exception: for none
// may it grow faster than the text.
[[nodiscard]] std::string redact(std::string_view text, std::size_t bytes_max, std::size_t& steps);

}  // namespace medic::redact_internal
