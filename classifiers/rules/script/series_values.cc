#include "classifiers/rules/script/series_values.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "agent/store/series.h"
#include "classifiers/rules/promql/parser.h"

namespace medic {
namespace {

std::optional<double> take_number(std::string_view& text) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    double value = 0;
    for (const auto& [word, meaning] : {std::pair{"Inf", std::numeric_limits<double>::infinity()},
                                        {"inf", std::numeric_limits<double>::infinity()},
                                        {"NaN", std::numeric_limits<double>::quiet_NaN()}}) {
        if (!text.starts_with(word)) continue;
        text.remove_prefix(3);
        return negative ? -meaning : meaning;
    }
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code == std::errc::invalid_argument) return std::nullopt;
    if (code == std::errc::result_out_of_range) value = std::numeric_limits<double>::infinity();
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return negative ? -value : value;
}

std::optional<std::size_t> take_times(std::string_view& text) {
    if (!text.starts_with('x')) return std::nullopt;
    std::size_t count = 0;
    const auto [end, code] = std::from_chars(text.data() + 1, text.data() + text.size(), count);
    if (code != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return count;
}

Status append_word(std::string_view word, std::vector<std::optional<double>>& values, std::size_t values_max) {
    const std::string_view whole = word;
    const auto wrong = [&] {
        return fail(ErrorCode::invalid, "expected values such as 1, 0+10x5, _, _x3 or stale, found \"{}\"", whole);
    };
    std::optional<double> first;
    const bool none = word.starts_with('_');
    const bool stale = word.starts_with("stale");
    if (none)
        word.remove_prefix(1);
    else if (stale)
        word.remove_prefix(5);
    else if (!(first = take_number(word)))
        return wrong();
    if (stale) first = stale_marker();
    double step = 0;
    if (!none && !stale && (word.starts_with('+') || word.starts_with('-'))) {
        const auto found = take_number(word);
        if (!found) return wrong();
        step = *found;
    }
    std::size_t more = 0;
    if (word.starts_with('x')) {
        const auto times = take_times(word);
        if (!times || (none && *times == 0)) return wrong();
        more = none ? *times - 1 : *times;
    } else if (step != 0) {
        return wrong();
    }
    if (!word.empty()) return wrong();
    if (more >= values_max - values.size()) return fail(ErrorCode::invalid, "more than {} values", values_max);
    double value = first.value_or(0);
    for (std::size_t i = 0; i <= more; ++i) {
        values.push_back(none ? std::nullopt : std::optional(value));
        value += step;
    }
    return {};
}

}  // namespace

Result<std::vector<std::optional<double>>> parse_series_values(std::string_view text, std::size_t values_max) {
    std::vector<std::optional<double>> values;
    while (true) {
        const auto begin = text.find_first_not_of(" \t\r\n");
        if (begin == std::string_view::npos) return values;
        text.remove_prefix(begin);
        const auto end = text.find_first_of(" \t\r\n");
        MEDIC_CHECK(append_word(text.substr(0, end), values, values_max));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end);
    }
}

Result<SeriesValues> parse_series_line(std::string_view line, std::size_t values_max) {
    // The series ends with the brace that is in no quotes, or with the first blank.
    std::size_t end = 0;
    char quote = 0;
    int depth = 0;
    for (; end < line.size(); ++end) {
        const char c = line[end];
        if (quote != 0) {
            if (c == '\\' && quote != '`')
                ++end;
            else if (c == quote)
                quote = 0;
        } else if (c == '"' || c == '\'' || c == '`') {
            quote = c;
        } else if (c == '{') {
            ++depth;
        } else if (c == '}' && --depth == 0) {
            ++end;
            break;
        } else if (depth == 0 && (c == ' ' || c == '\t')) {
            const auto next = line.find_first_not_of(" \t", end);
            if (next == std::string_view::npos || line[next] != '{' || line.substr(next).starts_with("{{")) break;
        }
    }
    SeriesValues result;
    const std::string_view series = line.substr(0, std::min(end, line.size()));
    if (series.find_first_not_of("{} \t") != std::string_view::npos) {
        MEDIC_TRY(result.labels, promql::parse_series(series));
    }
    MEDIC_TRY(result.values, parse_series_values(line.substr(std::min(end, line.size())), values_max));
    return result;
}

}  // namespace medic
