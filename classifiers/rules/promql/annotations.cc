#include <charconv>
#include <cmath>

#include "classifiers/rules/promql/evaluator_internal.h"

namespace medic::promql {
namespace {

std::string placed(std::string_view kind, std::string_view message, std::string_view text, const Node& at) {
    const auto [line, column] = line_and_column(text, at.begin);
    return fmt::format("PromQL {}: {} ({}:{})", kind, message, line, column);
}

}  // namespace

void Evaluator::warn(const Node& at, std::string_view message) {
    if (annotates()) warnings_.insert(placed("warning", message, text_, at));
}

void Evaluator::inform(const Node& at, std::string_view message) {
    if (annotates()) infos_.insert(placed("info", message, text_, at));
}

void Evaluator::check_quantile(const Node& at, double q) {
    if (!annotates() || (q >= 0 && q <= 1)) return;
    warn(at, fmt::format("quantile value should be between 0 and 1, got {}", format_general(q)));
}

// Counters are known by their names' ends; rate() of a gauge is a mistake that no value shows.
void Evaluator::check_counter_name(const Node& at, LabelsId labels) {
    if (!annotates()) return;
    const std::string_view name = engine_.labels_.metric_name(labels);
    if (name.empty()) return;
    for (const std::string_view end : {"_total", "_sum", "_count", "_bucket"})
        if (name.ends_with(end)) return;
    inform(at, fmt::format("metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {}",
                           quoted(name)));
}

std::string format_general(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    const double magnitude = std::abs(value);
    const bool scientific = magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e21);
    char text[400];
    const auto [end, code] = std::to_chars(text, text + sizeof text, value,
                                           scientific ? std::chars_format::scientific : std::chars_format::fixed);
    return {text, end};
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
