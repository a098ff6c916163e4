// Colour on a terminal only, and never with NO_COLOR. Everything else prints plain text.
#pragma once

#include <string>
#include <string_view>

namespace medic::cli {

enum class Tone { plain, good, bad, warn, faint, strong };

[[nodiscard]] std::string paint(std::string_view text, Tone tone);
// "3 min ago", "12 s", for a person.
[[nodiscard]] std::string ago_text(double seconds);

}  // namespace medic::cli
