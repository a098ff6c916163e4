// PromQL's functions: the table, and what the pure ones compute. Only for the parser and the evaluator.
#pragma once

#include <span>

#include "agent/store/series.h"
#include "classifiers/rules/promql/ast.h"

namespace medic::promql {

enum class FunctionId : std::uint8_t {
    // instant vector → instant vector, value by value
    abs,
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    ceil,
    cos,
    cosh,
    deg,
    exp,
    floor,
    ln,
    log10,
    log2,
    rad,
    sgn,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
    days_in_month,
    day_of_month,
    day_of_week,
    day_of_year,
    hour,
    minute,
    month,
    year,
    round,
    clamp,
    clamp_min,
    clamp_max,
    // range vector → instant vector, series by series
    avg_over_time,
    changes,
    count_over_time,
    delta,
    deriv,
    double_exponential_smoothing,
    first_over_time,
    idelta,
    increase,
    irate,
    last_over_time,
    mad_over_time,
    max_over_time,
    min_over_time,
    predict_linear,
    present_over_time,
    quantile_over_time,
    rate,
    resets,
    stddev_over_time,
    stdvar_over_time,
    sum_over_time,
    ts_of_first_over_time,
    ts_of_last_over_time,
    ts_of_max_over_time,
    ts_of_min_over_time,
    // the rest
    absent,
    absent_over_time,
    histogram_quantile,
    histogram_quantiles,
    histogram_fraction,
    label_join,
    label_replace,
    end,
    max_of,
    min_of,
    pi,
    range,
    scalar,
    sort,
    sort_desc,
    sort_by_label,
    sort_by_label_desc,
    start,
    step,
    time,
    timestamp,
    vector,
};

[[nodiscard]] constexpr bool is_value_function(FunctionId id) { return id <= FunctionId::clamp_max; }
[[nodiscard]] constexpr bool is_range_function(FunctionId id) {
    return id > FunctionId::clamp_max && id <= FunctionId::ts_of_min_over_time;
}

// One value of an instant vector; `a` and `b` are the function's scalars, if it has any.
[[nodiscard]] double apply_value(FunctionId id, double value, double a, double b);

struct RangeArguments {
    std::span<const Sample> samples;  // Without stale markers, never empty, oldest first.
    std::int64_t start_ms = 0;        // The window is (start, end].
    std::int64_t end_ms = 0;
    std::int64_t at_ms = 0;   // The evaluation's time.
    double a = 0, b = 0;      // The function's scalars.
    bool zero_first = false;  // Counters as in Windows::closed (engine.h).
};
// nullopt: no result for this series.
[[nodiscard]] std::optional<double> apply_range(FunctionId id, const RangeArguments& arguments);

[[nodiscard]] double quantile(double q, std::vector<double>& values);  // Sorts the values.

struct Bucket {
    double upper = 0, count = 0;
};
// Counts that fell from one bucket to the next, and were held up: rounding aside, the histogram contradicts itself.
struct ForcedMonotonicity {
    bool any = false;
    double lowest = 0, highest = 0, largest_fall = 0;  // Bounds of the buckets, and by how much.
};
// Sorts, joins and repairs the buckets: a second call with the same buckets finds nothing to force.
[[nodiscard]] double bucket_quantile(double q, std::vector<Bucket>& buckets, ForcedMonotonicity* forced = nullptr);
[[nodiscard]] double bucket_fraction(double lower, double upper, std::vector<Bucket>& buckets);

// A sum that loses nothing to rounding (Kahan–Neumaier), as Prometheus's.
struct KahanSum {
    double sum = 0, compensation = 0;
    void add(double value);
    [[nodiscard]] double value() const;
};
// A mean that does not overflow, as Prometheus's avg.
class Mean {
public:
    void add(double value);
    [[nodiscard]] double value() const;

private:
    KahanSum sum_;
    double count_ = 0, mean_ = 0, compensation_ = 0;
    bool incremental_ = false;
};

}  // namespace medic::promql
