// Recent samples of every series, with ages and gaps: what is known, how old it is, what is missing.
// Written by the ingest thread only (collectors hand it ScrapeBatches); rules and analyzers read on the same thread.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
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
    std::string error;  // Why it failed or is partial.
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

// Over sample_bytes_max, what is older than six minutes is thinned to a sample per 15, 30 or 60 s (counter resets, gaps
// and long constant stretches stay); only if that is not enough, every target keeps fewer batches.
struct StoreOptions {
    Duration retention{2 * 3600 * 1000};
    std::size_t series_max = 500'000;                // At most 524,288 (19 bits of a SeriesId).
    std::size_t series_per_cluster_max = 500'000;    // Series whose label `cluster` is the same.
    std::size_t samples_per_series_max = 7'200;      // Two hours at 1 s. A run of equal values costs as much as one.
    std::size_t sample_bytes_max = 5 * 1024 * 1024;  // Encoded samples of all series; over it, see below.
    Duration clock_step_back{10'000};  // A target's time that falls back further is a clock step, not a late answer.
};

struct StoreUsage {
    std::size_t series = 0;
    std::size_t sample_bytes = 0;  // Encoded samples.
    std::size_t index_bytes = 0;   // Labels, symbols and look-up tables, estimated.
    std::size_t batches_kept_max =
        0;  // Present limit of batches kept per target (samples_per_series_max, less under pressure).
    std::uint64_t rejected_series = 0;  // intern() refused: series_max or series_per_cluster_max …
    std::map<std::string, std::uint64_t> rejected_by_cluster;  // … the latter.
    std::uint64_t dropped_samples = 0;                         // Late, doubled or for a series that is gone.
    std::uint64_t clock_steps = 0;  // A target's history was dropped because its clock stepped back.
};

class SeriesStore {
public:
    explicit SeriesStore(StoreOptions options = {});
    ~SeriesStore();
    SeriesStore(const SeriesStore&) = delete;
    SeriesStore& operator=(const SeriesStore&) = delete;

    // When it turns out that more is watched than was thought: before the first append().
    void set_sample_bytes_max(std::size_t bytes);

    // The id of a series, made on first use. Returns nullopt when series_max or its cluster's share is reached
    // (counted in usage()).
    [[nodiscard]] std::optional<SeriesId> intern(const Labels& labels);
    // False once forget_before() removed the series: whoever caches ids asks before using one, and interns again.
    [[nodiscard]] bool contains(SeriesId id) const;
    // Decoded from the compact form: keep the value, don't ask in a loop. Empty for a series that is gone.
    [[nodiscard]] Labels labels(SeriesId id) const;
    // One label without decoding the rest; "" when absent. Valid until the next intern() or forget_before().
    [[nodiscard]] std::string_view label(SeriesId id, std::string_view name) const;
    [[nodiscard]] std::uint64_t rejected_series() const;

    // Appends a batch. A complete batch also marks stale every series of that target that it no longer carries.
    // Samples not newer than a series' last one are dropped (late answers); a target whose clock stepped back
    // loses its history, so that nothing is ever computed across the step.
    void append(const ScrapeBatch& batch);

    // Samples in (from, to], oldest first; stale markers included. Decoded into `buffer` (reused between calls);
    // the span is valid until `buffer` is used again.
    [[nodiscard]] std::span<const Sample> range(SeriesId id, WallTime from, WallTime to,
                                                std::vector<Sample>& buffer) const;
    // No sample in (from, to] has another value; stale markers aside. Costs what changed, not what was sampled.
    [[nodiscard]] bool is_only(SeriesId id, double value, WallTime from, WallTime to) const;
    // The newest sample in (at - lookback, at]; nullopt when there is none, or it is a stale marker or NaN.
    [[nodiscard]] std::optional<Sample> latest(SeriesId id, WallTime at, Duration lookback) const;
    // The same as PromQL sees it: a NaN that the page said is a value; only the stale marker means absence.
    [[nodiscard]] std::optional<Sample> instant(SeriesId id, WallTime at, Duration lookback) const;

    // Ascending ids. Regular expressions are RE2, anchored at both ends; a broken one selects nothing.
    [[nodiscard]] std::vector<SeriesId> select(std::span<const LabelMatcher> matchers) const;
    [[nodiscard]] std::vector<TargetHealth> targets() const;
    [[nodiscard]] StoreUsage usage() const;
    [[nodiscard]] std::uint64_t generation()
        const;  // Grows when a series is added or removed: cached selections expire.

    // Drops samples at or before the horizon; series without samples and silent targets are removed. Call once a minute
    // or so with now - retention. A series that was interned but never sampled survives one call.
    void forget_before(WallTime horizon);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace medic
