// Recent samples of every series, with ages and gaps: what is known, how old it is, what is missing.
// Written by the ingest thread only (collectors hand it ScrapeBatches); rules and analyzers read on the same thread.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/labels.h"
#include "agent/base/time.h"

namespace medic {

using SeriesId = std::uint32_t;

struct Sample {
    std::int64_t at_ms = 0;  // Wall time of the observation.
    double value = 0;
};

// NaN with Prometheus's own bit pattern: "this series was not on the last page".
[[nodiscard]] double stale_marker();
[[nodiscard]] bool is_stale_marker(double value);

enum class ScrapeOutcome : std::uint8_t { complete, partial, failed };

// One observation of one target. A failed scrape is a batch too: it is how absence becomes known.
struct ScrapeBatch {
    std::string target;  // "lab/flink", "lab/kafka-admin", "lab/broker-1/metrics": who was asked.
    WallTime at;
    ScrapeOutcome outcome = ScrapeOutcome::complete;
    std::string error;   // Why it failed or is partial.
    std::vector<std::pair<SeriesId, double>> samples;
};

struct TargetHealth {
    std::string target;
    WallTime last_attempt, last_complete;  // unix_ms 0: never.
    std::string last_error;
    std::uint32_t failures_in_a_row = 0;
};

struct LabelMatcher {
    enum class Op : std::uint8_t { equal, not_equal, matches, not_matches };
    std::string label;
    Op op = Op::equal;
    std::string value;
};

struct StoreOptions {
    Duration retention{2 * 3600 * 1000};
    std::size_t series_max = 500'000;
    std::size_t samples_per_series_max = 2'000;
};

class SeriesStore {
public:
    explicit SeriesStore(StoreOptions options = {});
    ~SeriesStore();
    SeriesStore(const SeriesStore&) = delete;
    SeriesStore& operator=(const SeriesStore&) = delete;

    // The id of a series, made on first use. Returns nullopt when series_max is reached (counted in rejected_series()).
    [[nodiscard]] std::optional<SeriesId> intern(const Labels& labels);
    [[nodiscard]] const Labels& labels(SeriesId id) const;
    [[nodiscard]] std::uint64_t rejected_series() const;

    // Appends a batch. A complete batch also marks stale every series of that target that it no longer carries.
    // Samples not newer than a series' last one are dropped (clock steps, late answers).
    void append(const ScrapeBatch& batch);

    // Samples in (from, to], oldest first; stale markers included. Valid until the next append.
    [[nodiscard]] std::span<const Sample> range(SeriesId id, WallTime from, WallTime to) const;
    // The newest sample at or before `at` and not older than `lookback`; nullopt when absent, stale or NaN-marked.
    [[nodiscard]] std::optional<Sample> latest(SeriesId id, WallTime at, Duration lookback) const;

    [[nodiscard]] std::vector<SeriesId> select(std::span<const LabelMatcher> matchers) const;
    [[nodiscard]] std::vector<TargetHealth> targets() const;
    [[nodiscard]] std::uint64_t generation() const;  // Grows when a series is added or removed: cached selections expire.

    void forget_before(WallTime horizon);  // Applies retention; series without samples are removed.

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace medic
