// Decides from a count of records that have come through when they flow again after a fault, as a reader of the result
// would: at least 80 % of the former rate. Pure. Made for results that come in bursts (an exactly-once sink shows its
// records once per checkpoint), so that a moment is told by when records came, not by a window's begin.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "agent/base/time.h"

namespace medic::live {

struct FlowOptions {
    Duration gap{6'000};           // No record for longer: it stands still. Three checkpoints of the trial job.
    Duration hold{10'000};         // The rate must have been full for this long.
    double recovered_ratio = 0.8;  // Of the rate before.
    double fallen_ratio = 0.5;     // Of the rate before, over `hold`: the fault has bitten.
};

class FlowWatch {
public:
    FlowWatch(FlowOptions options, double rate_before, Instant injected_at, std::uint64_t count)
        : options_(options), rate_before_(rate_before), injected_at_(injected_at), seen_({{injected_at, count}}) {}

    void observe(Instant at, std::uint64_t count);

    [[nodiscard]] bool fallen() const { return fallen_; }
    // At full rate over the last `hold`.
    [[nodiscard]] bool flowing() const { return flowing_; }
    // From the injection to the first record of the flow that stayed. nullopt: not yet, or never fallen.
    [[nodiscard]] std::optional<Duration> recovered_after() const { return recovered_after_; }

private:
    struct Seen {
        Instant at;
        std::uint64_t count = 0;
    };
    [[nodiscard]] double share_of_rate(const Seen& from, const Seen& to) const;
    // By how many records it is ahead of a flow that has been just full enough from the injection on.
    [[nodiscard]] double ahead(const Seen& seen) const;

    const FlowOptions options_;
    const double rate_before_;
    const Instant injected_at_;
    std::deque<Seen> seen_;        // Of the last `hold`.
    std::optional<Seen> resumed_;  // Where the present flow began: the look before its first record.
    std::optional<Instant> rose_at_;
    bool fallen_ = false, flowing_ = false;
    std::optional<Duration> recovered_after_;
};

}  // namespace medic::live
