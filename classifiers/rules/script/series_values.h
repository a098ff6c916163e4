// Prometheus's notation for a series over time, as rule tests and PromQL scripts write it: `1+2x3 _ _x4 stale NaN`.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "agent/base/labels.h"
#include "agent/base/result.h"

namespace medic {

struct SeriesValues {
    Labels labels;
    std::vector<std::optional<double>> values;  // nullopt: no sample at this step; a stale marker is a value.
};

// "1 2 3", "0+10x100" (100 more, each 10 larger), "5x3" (3 more), "_" and "_x4" (none), "stale".
// Refuses native histograms ({{…}}) and more than `values_max` values.
[[nodiscard]] Result<std::vector<std::optional<double>>> parse_series_values(std::string_view text,
                                                                             std::size_t values_max = 1'000'000);

// name{a="b"} 1 2 3
[[nodiscard]] Result<SeriesValues> parse_series_line(std::string_view line, std::size_t values_max = 1'000'000);

}  // namespace medic
