#include "classifiers/rules/promql/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace medic::promql {

std::string format_value(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    char text[400];
    constexpr double exact_end = 9007199254740992;  // 2^53: from there on to_chars writes digits that Go has as zeros.
    if (std::abs(value) < exact_end) {
        const auto [end, code] = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed);
        return {text, end};
    }
    const auto [end, code] = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
    const std::string_view shortest(text, static_cast<std::size_t>(end - text));  // -1.25e+20
    const auto mark = shortest.find('e');
    std::size_t exponent = 0;
    std::from_chars(text + mark + 2, end, exponent);
    std::string digits(shortest.substr(0, mark));
    if (const auto dot = digits.find('.'); dot != std::string::npos) digits.erase(dot, 1);
    digits.resize((value < 0 ? 2 : 1) + exponent, '0');
    return digits;
}

std::string format_general(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    char text[32];
    const auto [end, code] = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
    int exponent = 0;
    const char* const mark = std::find(text, end, 'e');
    std::from_chars(mark + (mark[1] == '+' ? 2 : 1), end, exponent);
    constexpr int exponent_min = -4, exponent_max = 5;  // Beyond, Go writes the exponent (strconv: eprec = 6).
    return exponent < exponent_min || exponent > exponent_max ? std::string(text, end) : format_value(value);
}

namespace {

// Bytes of the UTF-8 character at the text's beginning; 0: none.
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    const std::size_t length = first < 0x80                    ? 1
                               : first >= 0xc2 && first < 0xe0 ? 2
                               : first >= 0xe0 && first < 0xf0 ? 3
                               : first >= 0xf0 && first < 0xf5 ? 4
                                                               : 0;
    if (length == 0 || length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f) || (first == 0xf0 && byte(1) < 0x90) ||
        (first == 0xf4 && byte(1) > 0x8f))
        return 0;
    return length;
}

}  // namespace

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

bool is_label_name(std::string_view text) { return !text.empty() && is_utf8(text); }

bool is_label_word(std::string_view text) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    return !text.empty() && letter(text.front()) &&
           std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

std::string quoted(std::string_view text) {
    static constexpr std::string_view plain = "\a\b\f\n\r\t\v\\\"", letters = "abfnrtv\\\"";
    std::string result = "\"";
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        const char c = text.front();
        if (length == 0)
            result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        else if (const auto at = plain.find(c); at != std::string_view::npos)
            (result += '\\') += letters[at];
        else if (length == 1 && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f))
            result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        else
            result += text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return result + '"';
}

}  // namespace medic::promql
