#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numbers>

#include "classifiers/rules/promql/functions_internal.h"

namespace medic::promql {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

// A part of the UTC date that `seconds` since 1970 stand for.
double date_part(FunctionId id, double seconds) {
    if (!(std::abs(seconds) < 1e14)) return nan;
    const std::chrono::sys_seconds at{std::chrono::seconds(static_cast<std::int64_t>(seconds))};
    const auto day = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss time{at - day};
    switch (id) {
        case FunctionId::minute: return static_cast<double>(time.minutes().count());
        case FunctionId::hour: return static_cast<double>(time.hours().count());
        case FunctionId::day_of_week: return std::chrono::weekday{day}.c_encoding();
        case FunctionId::day_of_month: return static_cast<unsigned>(date.day());
        case FunctionId::day_of_year:
            return static_cast<double>((day - std::chrono::sys_days{date.year() / std::chrono::January / 1}).count()) +
                   1;
        case FunctionId::days_in_month:
            return static_cast<unsigned>(
                std::chrono::year_month_day_last{date.year() / date.month() / std::chrono::last}.day());
        case FunctionId::month: return static_cast<unsigned>(date.month());
        default: return static_cast<int>(date.year());
    }
}

// Go's math.Max and math.Min: NaN if either is NaN, except that an infinity of the right sign wins.
double go_max(double a, double b) {
    if (a == infinity || b == infinity) return infinity;
    return std::isnan(a) || std::isnan(b) ? nan : std::max(a, b);
}
double go_min(double a, double b) {
    if (a == -infinity || b == -infinity) return -infinity;
    return std::isnan(a) || std::isnan(b) ? nan : std::min(a, b);
}

}  // namespace

double apply_value(FunctionId id, double value, double a, double b) {
    switch (id) {
        case FunctionId::abs: return std::abs(value);
        case FunctionId::acos: return std::acos(value);
        case FunctionId::acosh: return std::acosh(value);
        case FunctionId::asin: return std::asin(value);
        case FunctionId::asinh: return std::asinh(value);
        case FunctionId::atan: return std::atan(value);
        case FunctionId::atanh: return std::atanh(value);
        case FunctionId::ceil: return std::ceil(value);
        case FunctionId::cos: return std::cos(value);
        case FunctionId::cosh: return std::cosh(value);
        case FunctionId::deg: return value * 180 / std::numbers::pi;
        case FunctionId::exp: return std::exp(value);
        case FunctionId::floor: return std::floor(value);
        case FunctionId::ln: return std::log(value);
        case FunctionId::log10: return std::log10(value);
        case FunctionId::log2: return std::log2(value);
        case FunctionId::rad: return value * std::numbers::pi / 180;
        case FunctionId::sgn: return value < 0 ? -1 : value > 0 ? 1 : value;
        case FunctionId::sin: return std::sin(value);
        case FunctionId::sinh: return std::sinh(value);
        case FunctionId::sqrt: return std::sqrt(value);
        case FunctionId::tan: return std::tan(value);
        case FunctionId::tanh: return std::tanh(value);
        case FunctionId::round: {
            const double inverse = 1 / a;  // So that halves of 0.1 and the like come out as Prometheus's.
            return std::floor(value * inverse + 0.5) / inverse;
        }
        case FunctionId::clamp: return go_max(a, go_min(b, value));
        case FunctionId::clamp_min: return go_max(a, value);
        case FunctionId::clamp_max: return go_min(a, value);
        default: return date_part(id, value);
    }
}

double quantile(double q, std::vector<double>& values) {
    if (values.empty() || std::isnan(q)) return nan;
    if (q < 0) return -infinity;
    if (q > 1) return infinity;
    std::ranges::sort(
        values, [](double x, double y) { return std::isnan(x) ? !std::isnan(y) : x < y; });  // NaN is the smallest.
    const double rank = q * static_cast<double>(values.size() - 1);
    const auto lower = static_cast<std::size_t>(std::max(0.0, std::floor(rank)));
    const std::size_t upper = std::min(values.size() - 1, lower + 1);
    const double weight = rank - std::floor(rank);
    return values[lower] * (1 - weight) + values[upper] * weight;
}

namespace {

void sort_and_join(std::vector<Bucket>& buckets) {
    // A bound that is NaN has no order: it comes last, so that there is no highest bucket and no answer.
    std::ranges::sort(buckets, [](const Bucket& a, const Bucket& b) {
        return std::isnan(b.upper) ? !std::isnan(a.upper) : a.upper < b.upper;
    });
    std::vector<Bucket> joined;
    for (const auto& bucket : buckets) {
        if (!joined.empty() && joined.back().upper == bucket.upper)
            joined.back().count += bucket.count;
        else
            joined.push_back(bucket);
    }
    buckets = std::move(joined);
}

bool almost_equal(double a, double b, double tolerance) {
    if (a == b) return true;
    const double difference = std::abs(a - b);
    const double sum = std::abs(a) + std::abs(b);
    if (a == 0 || b == 0 || sum < std::numeric_limits<double>::min())
        return difference < tolerance * std::numeric_limits<double>::min();
    return difference / std::min(sum, std::numeric_limits<double>::max()) < tolerance;
}

// Buckets are scraped and added one by one: rounding may leave a count slightly below the one before it.
// Anything larger is a contradiction, which is held up too, and told.
ForcedMonotonicity make_monotonic(std::vector<Bucket>& buckets) {
    constexpr double tolerance = 1e-12;  // Prometheus's smallDeltaTolerance.
    ForcedMonotonicity forced{.lowest = infinity, .highest = -infinity};
    double previous = buckets[0].count;
    for (auto& bucket : buckets) {
        if (almost_equal(bucket.count, previous, tolerance)) {
            bucket.count = previous;
        } else if (bucket.count < previous) {
            forced.any = true;
            forced.lowest = std::min(forced.lowest, bucket.upper);
            forced.highest = std::max(forced.highest, bucket.upper);
            forced.largest_fall = std::max(forced.largest_fall, previous - bucket.count);
            bucket.count = previous;
        }
        previous = bucket.count;
    }
    return forced;
}

}  // namespace

double bucket_quantile(double q, std::vector<Bucket>& buckets, ForcedMonotonicity* forced) {
    if (std::isnan(q) || buckets.empty()) return nan;
    if (q < 0) return -infinity;
    if (q > 1) return infinity;
    sort_and_join(buckets);
    if (buckets.back().upper != infinity) return nan;
    const ForcedMonotonicity found = make_monotonic(buckets);
    if (forced != nullptr) *forced = found;
    if (buckets.size() < 2) return nan;
    const double observations = buckets.back().count;
    if (observations == 0) return nan;
    double rank = q * observations;
    // The first bucket that reaches the rank, by halving, as Prometheus's: a count that is NaN reaches none, and then
    // the way decides.
    std::size_t i = 0;
    for (std::size_t end = buckets.size() - 1; i < end;) {
        const std::size_t middle = i + (end - i) / 2;
        if (buckets[middle].count >= rank)
            end = middle;
        else
            i = middle + 1;
    }
    if (i == buckets.size() - 1) return buckets[buckets.size() - 2].upper;
    if (i == 0 && buckets[0].upper <= 0) return buckets[0].upper;
    double from = 0, count = buckets[i].count;
    if (i > 0) {
        from = buckets[i - 1].upper;
        count -= buckets[i - 1].count;
        rank -= buckets[i - 1].count;
    }
    return from + (buckets[i].upper - from) * (rank / count);
}

double bucket_fraction(double lower, double upper, std::vector<Bucket>& buckets) {
    if (buckets.empty()) return nan;
    sort_and_join(buckets);
    if (buckets.back().upper != infinity) return nan;
    const double count = buckets.back().count;
    if (count == 0 || std::isnan(lower) || std::isnan(upper)) return nan;
    if (lower >= upper) return 0;
    // The number of observations below `value`, linear inside a bucket. Counts that fall are taken as they are.
    const auto below = [&](double value) {
        double rank = 0;
        for (std::size_t i = 0; i < buckets.size(); ++i) {
            const double from = i > 0 ? buckets[i - 1].upper : buckets[0].upper > 0 ? 0 : -infinity;
            if (from >= value) return rank;
            if (buckets[i].upper > value)
                return std::isinf(from) ? buckets[i].count
                                        : rank + (buckets[i].count - rank) * (value - from) / (buckets[i].upper - from);
            rank = buckets[i].count;
        }
        return count;
    };
    const auto bounded = [&](double rank) { return rank > count ? count : rank; };
    return (bounded(below(upper)) - bounded(below(lower))) / count;
}

void KahanSum::add(double value) {
    const double total = sum + value;
    if (std::isinf(total))
        compensation = 0;
    else if (std::abs(sum) >= std::abs(value))
        compensation += (sum - total) + value;
    else
        compensation += (value - total) + sum;
    sum = total;
}
double KahanSum::value() const { return std::isinf(sum) ? sum : sum + compensation; }

void Mean::add(double value) {
    count_ += 1;
    if (!incremental_) {
        KahanSum next = sum_;
        next.add(value);
        if (count_ == 1 || !std::isinf(next.sum)) {
            sum_ = next;
            return;
        }
        // The sum overflows, the mean does not.
        incremental_ = true;
        mean_ = sum_.sum / (count_ - 1);
        compensation_ = sum_.compensation / (count_ - 1);
    }
    const double share = (count_ - 1) / count_;
    KahanSum mean{share * mean_, share * compensation_};
    mean.add(value / count_);
    mean_ = mean.sum;
    compensation_ = mean.compensation;
}
double Mean::value() const {
    return incremental_ ? mean_ + compensation_ : sum_.sum / count_ + sum_.compensation / count_;
}

}  // namespace medic::promql
