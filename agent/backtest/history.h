// Recorded history of one cluster from a Prometheus (VictoriaMetrics and Thanos answer the same question): span after
// span of its range query API, each small enough for the server and for us. It opens no socket: the caller hands in how
// a URL is fetched. What the series mean is recorded_look.h's.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "agent/base/labels.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/collectors/look.h"

namespace medic::backtest {

// GET; the answer, whatever its status, or why there was none.
using Fetch = std::function<Result<HttpAnswer>(const std::string& url)>;

struct RecordedSeries {
    std::string name;
    std::vector<LabelPair> labels;  // Without the name.
    std::vector<double> values;     // One for each step of the span; NaN: there was none.
};

// Every series that something reads, at `from`, `from + step`, …
struct RecordedSpan {
    WallTime from;
    Duration step{0};
    std::size_t steps = 0;
    std::vector<RecordedSeries> series;
    [[nodiscard]] WallTime at(std::size_t index) const { return from + step * static_cast<std::int64_t>(index); }
};

struct HistoryOptions {
    std::string url;           // Without a slash at the end.
    std::string match = "{}";  // Selector of the cluster's series.
    Duration step{30'000};
    std::size_t query_bytes_max = 1'500;  // Of names in one query, as in the live collector.
    // Prometheus refuses a query with more (web/api/v1: "exceeded maximum resolution of 11,000 points").
    std::size_t points_per_query_max = 11'000;
    std::size_t span_steps = 240;  // Two hours at 30 s: what is held at a time.
    std::size_t span_steps_min = 8;
    std::size_t span_values_max = 16'000'000;  // 128 MB of numbers; a wider cluster gets shorter spans.
    int tries_max = 3;                         // Of one query, while the other side does not answer.
};

class History {
public:
    History(HistoryOptions options, Fetch fetch);

    // The span from `from` on, not beyond `to`. A server that finds it too much is asked for shorter ones from then on.
    // Errors: invalid (no query API there, query refused), unavailable (no answer).
    [[nodiscard]] Result<RecordedSpan> read(WallTime from, WallTime to);
    // What servers have said of incomplete answers, each once.
    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }
    [[nodiscard]] std::size_t queries() const { return queries_; }

private:
    [[nodiscard]] Result<RecordedSpan> ask(WallTime from, std::size_t steps);
    [[nodiscard]] Result<HttpAnswer> get(const std::string& url);
    void warn(const std::string& what);

    HistoryOptions options_;
    Fetch fetch_;
    std::vector<std::string> selectors_, warnings_;
    std::size_t span_steps_, queries_ = 0;
};

// One answer of /api/v1/query_range into `span`. Errors: invalid (not such an answer), outdated (too much for the
// server: ask for less), unavailable (the server can't just now).
[[nodiscard]] Status read_range_answer(const HttpAnswer& answer, RecordedSpan& span,
                                       std::vector<std::string>& warnings);

// Series that are asked for besides those on pages: what a server knows of its own scrapes, and what only a backtest
// has no better source for.
[[nodiscard]] const std::vector<std::string>& helper_series();

}  // namespace medic::backtest
