// Text of the outside made harmless for whoever prints it: no byte of it is an order to a terminal, and none ends a
// line that must stay one. It hides no secret (agent/base/redact.h does).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace medic {

// Without controls: C0 but line feed and tab, DEL, and C1 (U+0080–U+009F), which are as good as escapes to some
// terminals. Bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string plain_text(std::string_view text);

// As one line: every control, line feed and tab too, and every line separator of Unicode becomes a blank.
[[nodiscard]] std::string plain_line(std::string_view text);

// At most `bytes_max` bytes, and "…" where something was left out; cut at a character's border, not inside one.
[[nodiscard]] std::string shortened(std::string text, std::size_t bytes_max);

}  // namespace medic
