// Base64 as RFC 4648 §4 has it: with padding, without line breaks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace medic {

[[nodiscard]] std::string to_base64(std::string_view bytes);
// nullopt: not base64 (a wrong length, another character, padding inside).
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace medic
