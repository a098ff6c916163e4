// Decides from a counter of processed records when records flow again after a fault. Pure: it is told times and counts.
// "Flow again" is what users feel: at least 80 % of the rate before the fault, held for a whole window, after the rate
// had fallen.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "agent/base/time.h"

namespace medic::engine::drill {

struct RecoveryOptions {
    Duration window{1'000};  // Rates are means over this long.
    Duration hold{
        1'000};  // Every window within this long must be at full rate: longer than a burst between two failures.
    double recovered_ratio = 0.8;  // Of the rate before the fault.
    double fallen_ratio = 0.5;     // Below this the fault has bitten.
};

class RecoveryWatch {
public:
    RecoveryWatch(RecoveryOptions options, double baseline_per_second, Instant injected_at);

    // `count` never falls within one life of what is counted; after a fall (a restarted counter) the window starts
    // anew.
    void observe(Instant at, std::uint64_t count);

    // For faults that are not told by a rate: the platform is safe now, or not.
    void observe_safety(Instant at, bool safe);

    [[nodiscard]] bool fallen() const { return fallen_; }
    [[nodiscard]] bool flowing() const {
        return flowing_;
    }  // At full rate in the last window; judged by safety: safe at the last look.
    // The longest time in which nothing was processed, as far as it has ended.
    [[nodiscard]] Duration longest_standstill() const { return longest_standstill_; }
    // From the injection to the beginning of the first window at full rate after the fall, without what of it was
    // still.
    [[nodiscard]] std::optional<Duration> recovered_after() const { return recovered_after_; }

private:
    struct Observation {
        Instant at;
        std::uint64_t count = 0;
    };

    [[nodiscard]] Instant begin_of_flow() const;  // In the window, which has two observations at least.

    const RecoveryOptions options_;
    const double baseline_per_second_;
    const Instant injected_at_;
    std::deque<Observation> window_;
    std::optional<Observation> last_rise_;
    Duration longest_standstill_{0};
    std::optional<Instant> full_since_, safe_since_;
    bool fallen_ = false, flowing_ = false;
    std::optional<Duration> recovered_after_;
};

}  // namespace medic::engine::drill
