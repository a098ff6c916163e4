#include <algorithm>
#include <cmath>
#include <limits>

#include "classifiers/rules/promql/functions_internal.h"

namespace medic::promql {
namespace {

using Samples = std::span<const Sample>;
using Answer = std::optional<double>;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double seconds(std::int64_t ms) { return static_cast<double>(ms) / 1000; }

enum class RateKind : std::uint8_t { delta, increase, rate };

// Prometheus's extrapolatedRate: the samples seldom reach the window's ends, so the change is stretched to them, but no
// further than half an interval where the series seems to begin or end, and a counter never below zero.
Answer extrapolated_rate(const RangeArguments& args, RateKind kind) {
    const Samples& samples = args.samples;
    if (samples.size() < 2) return std::nullopt;
    const bool counter = kind != RateKind::delta;
    double result = samples.back().value - samples.front().value;
    if (counter)
        for (std::size_t i = 1; i < samples.size(); ++i)
            if (samples[i].value < samples[i - 1].value) result += samples[i - 1].value;

    double to_start = seconds(samples.front().at_ms - args.start_ms);
    double to_end = seconds(args.end_ms - samples.back().at_ms);
    const double sampled = seconds(samples.back().at_ms - samples.front().at_ms);
    const double average = sampled / static_cast<double>(samples.size() - 1);
    const double threshold = average * 1.1;
    const double to_zero = counter && result > 0 && samples.front().value >= 0
                               ? sampled * (samples.front().value / result)
                               : std::numeric_limits<double>::infinity();
    // Until 2.50 Prometheus looked first where the counter would have been zero.
    if (args.zero_first) to_start = std::min(to_start, to_zero);
    if (to_start >= threshold) to_start = average / 2;
    to_start = std::min(to_start, to_zero);
    if (to_end >= threshold) to_end = average / 2;
    double factor = (sampled + to_start + to_end) / sampled;
    if (kind == RateKind::rate) factor /= seconds(args.end_ms - args.start_ms);
    return result * factor;  // In Prometheus's order, so that the last digit is the same.
}

Answer instant_rate(Samples samples, bool rate) {
    if (samples.size() < 2) return std::nullopt;
    const Sample& last = samples.back();
    const Sample& previous = samples[samples.size() - 2];
    if (last.at_ms == previous.at_ms) return std::nullopt;
    const double change = rate && last.value < previous.value ? last.value : last.value - previous.value;
    return rate ? change / seconds(last.at_ms - previous.at_ms) : change;
}

struct Line {
    double slope = 0, intercept = 0;
};

// Least squares; the intercept is the line's value at `at_ms`.
Line regression(Samples samples, std::int64_t at_ms) {
    KahanSum sum_x, sum_y, sum_xy, sum_xx;
    bool constant = true;
    for (const auto& sample : samples) {
        constant = constant && sample.value == samples.front().value;
        const double x = seconds(sample.at_ms - at_ms);
        sum_x.add(x);
        sum_y.add(sample.value);
        sum_xy.add(x * sample.value);
        sum_xx.add(x * x);
    }
    if (constant) return std::isinf(samples.front().value) ? Line{nan, nan} : Line{0, samples.front().value};
    const auto n = static_cast<double>(samples.size());
    const double x = sum_x.value(), y = sum_y.value();
    const double covariance = sum_xy.value() - x * y / n;
    const double variance = sum_xx.value() - x * x / n;
    const double slope = covariance / variance;
    return {slope, y / n - slope * x / n};
}

double variance(Samples samples) {
    double count = 0;
    KahanSum mean, squares;
    for (const auto& sample : samples) {
        count += 1;
        const double delta = sample.value - (mean.sum + mean.compensation);
        mean.add(delta / count);
        squares.add(delta * (sample.value - (mean.sum + mean.compensation)));
    }
    return (squares.sum + squares.compensation) / count;
}

Answer double_exponential_smoothing(Samples samples, double smoothing, double trend) {
    if (samples.size() < 2) return std::nullopt;
    double before = 0, level = samples[0].value, slope = samples[1].value - samples[0].value;
    for (std::size_t i = 1; i < samples.size(); ++i) {
        if (i > 1) slope = trend * (level - before) + (1 - trend) * slope;
        before = std::exchange(level, smoothing * samples[i].value + (1 - smoothing) * (level + slope));
    }
    return level;
}

// The last of the extreme samples; NaN gives way to any number.
const Sample& extreme(Samples samples, bool largest) {
    const Sample* best = &samples.front();
    for (const auto& sample : samples) {
        const bool better = largest ? sample.value >= best->value : sample.value <= best->value;
        if (better || std::isnan(best->value)) best = &sample;
    }
    return *best;
}

double median_absolute_deviation(Samples samples) {
    std::vector<double> values;
    for (const auto& sample : samples) {
        if (std::isnan(sample.value)) return nan;
        values.push_back(sample.value);
    }
    const double median = quantile(0.5, values);
    for (double& value : values) value = std::abs(value - median);
    return quantile(0.5, values);
}

double count_if_changed(Samples samples, bool only_falls) {
    double count = 0;
    for (std::size_t i = 1; i < samples.size(); ++i) {
        const double before = samples[i - 1].value, now = samples[i].value;
        if (only_falls ? now < before : now != before && !(std::isnan(now) && std::isnan(before))) count += 1;
    }
    return count;
}

}  // namespace

std::optional<double> apply_range(FunctionId id, const RangeArguments& args) {
    const Samples& samples = args.samples;
    switch (id) {
        case FunctionId::avg_over_time: {
            Mean mean;
            for (const auto& sample : samples) mean.add(sample.value);
            return mean.value();
        }
        case FunctionId::changes: return count_if_changed(samples, false);
        case FunctionId::resets: return count_if_changed(samples, true);
        case FunctionId::count_over_time: return static_cast<double>(samples.size());
        case FunctionId::delta: return extrapolated_rate(args, RateKind::delta);
        case FunctionId::increase: return extrapolated_rate(args, RateKind::increase);
        case FunctionId::rate: return extrapolated_rate(args, RateKind::rate);
        case FunctionId::deriv:
            if (samples.size() < 2) return std::nullopt;
            return regression(samples, samples.front().at_ms).slope;
        case FunctionId::predict_linear: {
            if (samples.size() < 2) return std::nullopt;
            const Line line = regression(samples, args.at_ms);
            return line.slope * args.a + line.intercept;
        }
        case FunctionId::double_exponential_smoothing: return double_exponential_smoothing(samples, args.a, args.b);
        case FunctionId::first_over_time: return samples.front().value;
        case FunctionId::last_over_time: return samples.back().value;
        case FunctionId::idelta: return instant_rate(samples, false);
        case FunctionId::irate: return instant_rate(samples, true);
        case FunctionId::mad_over_time: return median_absolute_deviation(samples);
        case FunctionId::max_over_time: return extreme(samples, true).value;
        case FunctionId::min_over_time: return extreme(samples, false).value;
        case FunctionId::present_over_time: return 1;
        case FunctionId::quantile_over_time: {
            std::vector<double> values;
            for (const auto& sample : samples) values.push_back(sample.value);
            return quantile(args.a, values);
        }
        case FunctionId::stddev_over_time: return std::sqrt(variance(samples));
        case FunctionId::stdvar_over_time: return variance(samples);
        case FunctionId::sum_over_time: {
            KahanSum sum;
            for (const auto& sample : samples) sum.add(sample.value);
            return sum.value();
        }
        case FunctionId::ts_of_first_over_time: return seconds(samples.front().at_ms);
        case FunctionId::ts_of_last_over_time: return seconds(samples.back().at_ms);
        case FunctionId::ts_of_max_over_time: return seconds(extreme(samples, true).at_ms);
        case FunctionId::ts_of_min_over_time: return seconds(extreme(samples, false).at_ms);
        default: return std::nullopt;
    }
}

}  // namespace medic::promql
