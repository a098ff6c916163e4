// Whether counters have risen: what the memories of settings take for work that was done. For this folder.
#pragma once

#include <vector>

#include "agent/store/series.h"

namespace medic {

// Any of the series that the matchers pick out rose between two of its samples within [from, to].
[[nodiscard]] bool rose(const SeriesStore& series, const std::vector<LabelMatcher>& which, WallTime from, WallTime to);

}  // namespace medic
