// How PromQL writes numbers, and which durations they stand for. Only for the parser and the evaluator.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "agent/base/time.h"

namespace medic::promql {

// Bytes of the number that the text begins with, as Prometheus's lexer cuts it out; 0: what stands there is no number.
// What it cuts out need not have a value: 0x1e+5, 1e400.
[[nodiscard]] std::size_t number_length(std::string_view text);

// The value as Go's ParseInt reads it with any base, else its ParseFloat; nullopt where both refuse.
[[nodiscard]] std::optional<double> number_value(std::string_view number);

// What Prometheus's durations hold: 2^63 ns, 292 years.
constexpr Duration duration_max{9'223'372'036'854};

// Whole milliseconds, the rest cut off: an evaluation knows no less. As written ([0.3]) they are first rounded to
// nanoseconds, as computed ([0.1 * 3]) they are not. nullopt: out of range.
enum class DurationOrigin : std::uint8_t { written, computed };
[[nodiscard]] std::optional<Duration> to_duration(double seconds, DurationOrigin origin);

}  // namespace medic::promql
