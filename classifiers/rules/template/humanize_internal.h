// What the functions on numbers and texts compute. Only for this folder.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace medic::templates {

[[nodiscard]] std::string four_digits(double value);  // %.4g
[[nodiscard]] std::string humanize(double value);
[[nodiscard]] std::string humanize1024(double value);
[[nodiscard]] std::string humanize_duration(double seconds);
[[nodiscard]] std::string timestamp(double seconds);  // As Go prints a time in UTC.

[[nodiscard]] std::string change_case(std::string text, std::string_view function);  // title, toUpper, toLower
[[nodiscard]] std::pair<std::string, std::string> split_port(const std::string& text);
[[nodiscard]] std::string strip_domain(const std::string& text);
[[nodiscard]] std::string replace_all(const std::string& pattern, const std::string& replacement, std::string text);
[[nodiscard]] std::string url_escaped(std::string_view text);
[[nodiscard]] std::string html_escaped(std::string_view text);

}  // namespace medic::templates
