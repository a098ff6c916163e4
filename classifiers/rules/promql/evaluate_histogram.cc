#include <charconv>
#include <cmath>
#include <limits>

#include "classifiers/rules/promql/evaluator_internal.h"

namespace medic::promql {
namespace {

// A bucket's bound as exporters write it; Go's ParseFloat reads the words in any case.
std::optional<double> parse_bound(std::string_view text) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    std::string word(text);
    for (char& c : word)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (word == "inf" || word == "infinity") return negative ? -infinity : infinity;
    if (word == "nan") return std::numeric_limits<double>::quiet_NaN();
    double value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc{} || end != text.data() + text.size() || text.empty() || text.starts_with('-'))
        return std::nullopt;
    return negative ? -value : value;
}

// As OpenMetrics writes a float: 1.0, 0.5, +Inf.
std::string format_open_metrics(double value) {
    std::string text = format_general(value);
    if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos) text += ".0";
    return text;
}

}  // namespace

// Series that differ in `le` only, put together; what has no bound is left out, and told.
std::vector<Evaluator::Histogram> Evaluator::classic_histograms(const Node& node, std::int64_t at_ms) {
    const Node& input = node.function->id == static_cast<std::uint8_t>(FunctionId::histogram_quantiles)
                            ? *node.children.front()
                            : *node.children.back();
    const Vector samples = vector(input, at_ms);
    std::vector<Histogram> histograms;
    map_.start(engine_.labels_.size());
    for (const auto& sample : samples) {
        const std::string_view bound = engine_.labels_.get(sample.labels, "le");
        const auto upper = parse_bound(bound);
        if (!upper) {
            const std::string_view name = engine_.labels_.metric_name(sample.labels);
            if (annotates())
                warn(input,
                     fmt::format("bucket label \"le\" is missing or has a malformed value of {}{}", quoted(bound),
                                 name.empty() ? "" : fmt::format(" for metric name {}", quoted(name))));
            continue;
        }
        const LabelsId labels = engine_.labels_.drop(sample.labels, node.list);
        const auto [place, is_new] = map_.put(labels, static_cast<std::uint32_t>(histograms.size()));
        if (is_new) histograms.push_back({labels, {}});
        histograms[place].buckets.push_back({*upper, sample.value});
    }
    return histograms;
}

double Evaluator::quantile_of(const Node& input, double q, Histogram& histogram, std::int64_t at_ms) {
    ForcedMonotonicity forced;
    const double value = bucket_quantile(q, histogram.buckets, &forced);
    if (!forced.any || !annotates()) return value;
    const std::string_view name = engine_.labels_.metric_name(histogram.labels);
    inform(
        input,
        fmt::format("input to histogram_quantile needed to be fixed for monotonicity (see "
                    "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile){}, from "
                    "buckets {} to {}, with a max diff of {:.2g}, over 1 samples from {} to {}",
                    name.empty() ? "" : fmt::format(" for metric name {}", quoted(name)), format_general(forced.lowest),
                    format_general(forced.highest), forced.largest_fall, at_ms, at_ms));
    return value;
}

Evaluator::Vector Evaluator::histogram(const Node& node, FunctionId id, std::int64_t at_ms) {
    const double a = scalar(*node.children[0], at_ms);
    const double b = id == FunctionId::histogram_fraction ? scalar(*node.children[1], at_ms) : 0;
    if (id == FunctionId::histogram_quantile) check_quantile(*node.children[0], a);
    Vector result;
    for (auto& each : classic_histograms(node, at_ms))
        result.push_back({each.labels,
                          id == FunctionId::histogram_quantile ? quantile_of(*node.children.back(), a, each, at_ms)
                                                               : bucket_fraction(a, b, each.buckets),
                          true});
    return result;
}

// histogram_quantiles(v, "label", q…): one series for each quantile, told apart by the label.
Evaluator::Vector Evaluator::histogram_quantiles(const Node& node, std::int64_t at_ms) {
    const std::string& label = without_parens(*node.children[1]).text;
    std::vector<double> quantiles;
    for (std::size_t i = 2; i < node.children.size(); ++i) {
        quantiles.push_back(scalar(*node.children[i], at_ms));
        check_quantile(*node.children[i], quantiles.back());
    }
    auto histograms = classic_histograms(node, at_ms);
    Vector result;
    for (const double q : quantiles)
        for (auto& each : histograms)
            result.push_back({engine_.labels_.with(each.labels, label, format_open_metrics(q)),
                              quantile_of(*node.children[0], q, each, at_ms), true});
    return result;
}

}  // namespace medic::promql
