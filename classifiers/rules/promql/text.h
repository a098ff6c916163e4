// Values and texts as Go writes them, because rules, templates and tests compare them letter by letter.
#pragma once

#include <string>
#include <string_view>

namespace medic::promql {

// strconv.FormatFloat(value, 'f', -1, 64): the shortest decimal without an exponent.
[[nodiscard]] std::string format_value(double value);
// %v and %g: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
[[nodiscard]] std::string format_general(double value);
// %q
[[nodiscard]] std::string quoted(std::string_view text);
[[nodiscard]] bool is_utf8(std::string_view text);
// Prometheus 3: any text. What is no word needs quotes in an expression.
[[nodiscard]] bool is_label_name(std::string_view text);
[[nodiscard]] bool is_label_word(std::string_view text);

}  // namespace medic::promql
