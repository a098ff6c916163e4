// Prometheus's durations, as yaml.h declares them.
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <iterator>

#include "agent/base/yaml.h"

namespace medic {
namespace {

struct DurationUnit {
    std::string_view name;
    std::int64_t ms;
};
constexpr DurationUnit duration_units[] = {{"y", 365LL * 86'400'000},
                                           {"w", 7LL * 86'400'000},
                                           {"d", 86'400'000},
                                           {"h", 3'600'000},
                                           {"m", 60'000},
                                           {"s", 1000},
                                           {"ms", 1}};

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
    const auto wrong = [&] {
        return fail(ErrorCode::invalid, "expected a duration such as 500ms, 15s, 1h30m or 2d, found \"{}\"", text);
    };
    if (text == "0") return Duration{0};
    if (text.empty()) return wrong();
    std::int64_t total_ms = 0;
    std::size_t unit_next = 0;
    std::string_view rest = text;
    while (!rest.empty()) {
        std::int64_t count = 0;
        const auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
        if (code != std::errc{} || rest.front() == '-') return wrong();
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        const std::string_view unit = rest.substr(0, rest.starts_with("ms") ? 2 : 1);
        const auto* const found = std::find_if(std::begin(duration_units) + unit_next, std::end(duration_units),
                                               [&](const DurationUnit& each) { return each.name == unit; });
        if (found == std::end(duration_units)) return wrong();
        unit_next = static_cast<std::size_t>(found - std::begin(duration_units)) + 1;
        std::int64_t part_ms = 0;
        if (__builtin_mul_overflow(count, found->ms, &part_ms) || __builtin_add_overflow(total_ms, part_ms, &total_ms))
            return fail(ErrorCode::invalid, "the duration \"{}\" is too long", text);
        rest.remove_prefix(unit.size());
    }
    return Duration{total_ms};
}

std::string format_duration(Duration duration) {
    std::int64_t rest_ms = duration.count();
    if (rest_ms == 0) return "0s";
    std::string text = rest_ms < 0 ? "-" : "";
    rest_ms = std::abs(rest_ms);
    for (const auto& unit : duration_units) {
        // Years and weeks only when they hide nothing: "8d" reads better than "1w1d".
        if ((unit.name == "y" || unit.name == "w") && rest_ms % unit.ms != 0) continue;
        if (rest_ms >= unit.ms) text += fmt::format("{}{}", rest_ms / unit.ms, unit.name);
        rest_ms %= unit.ms;
    }
    return text;
}

}  // namespace medic
