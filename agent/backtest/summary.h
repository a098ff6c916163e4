// An outcome in numbers, for both of its texts.
#pragma once

#include <string>
#include <vector>

#include "agent/backtest/backtest.h"

namespace medic::backtest {

struct CauseSummary {
    std::string cause;  // "": no cause told.
    std::size_t count = 0, open = 0;
    Duration median{0};  // Of all, those that went on at the end as long as they were seen.
};
[[nodiscard]] std::vector<CauseSummary> summary_of(const Outcome& outcome);  // Most frequent first.

[[nodiscard]] std::string spoken(Duration duration);

}  // namespace medic::backtest
