#include <algorithm>
#include <cmath>

#include "classifiers/rules/promql/evaluator_internal.h"

namespace medic::promql {
namespace {

struct Group {
    LabelsId labels = 0;
    bool drop_name = false;
    double count = 0;
    double extreme = 0;               // min, max
    KahanSum sum;                     // sum
    Mean mean;                        // avg
    double average = 0, squares = 0;  // stddev, stdvar (Welford)
    std::vector<double> values;       // quantile
};

void add(Group& group, AggregateOp op, double value) {
    group.count += 1;
    const bool first = group.count == 1;
    switch (op) {
        case AggregateOp::sum: group.sum.add(value); break;
        case AggregateOp::avg: group.mean.add(value); break;
        case AggregateOp::min:
            if (first || value < group.extreme || std::isnan(group.extreme)) group.extreme = value;
            break;
        case AggregateOp::max:
            if (first || value > group.extreme || std::isnan(group.extreme)) group.extreme = value;
            break;
        case AggregateOp::stddev:
        case AggregateOp::stdvar: {
            const double delta = value - group.average;
            group.average += delta / group.count;
            group.squares += first && std::isfinite(value) ? 0 : delta * (value - group.average);
            break;
        }
        case AggregateOp::quantile: group.values.push_back(value); break;
        default: break;
    }
}

double finish(Group& group, AggregateOp op, double parameter) {
    switch (op) {
        case AggregateOp::sum: return group.sum.value();
        case AggregateOp::avg: return group.mean.value();
        case AggregateOp::min:
        case AggregateOp::max: return group.extreme;
        case AggregateOp::count: return group.count;
        case AggregateOp::stddev: return std::sqrt(group.squares / group.count);
        case AggregateOp::stdvar: return group.squares / group.count;
        case AggregateOp::quantile: return quantile(parameter, group.values);
        default: return 1;  // group
    }
}

// A stable number in [0, 1) for a label set, so that limit_ratio(r) and limit_ratio(-(1-r)) split it.
double share_of(const std::string& labels) {
    std::uint64_t hash = 1469598103934665603ULL;  // FNV-1a.
    for (const char c : labels) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    hash ^= hash >> 32;
    hash *= 0x9e3779b97f4a7c15ULL;
    return static_cast<double>(hash >> 11) / 9007199254740992.0;
}

}  // namespace

LabelsId Evaluator::group_of(const Node& node, LabelsId labels) {
    return node.without ? engine_.labels_.drop(labels, node.list) : engine_.labels_.keep(labels, node.list);
}

Evaluator::Vector Evaluator::aggregate(const Node& node, std::int64_t at_ms) {
    double parameter = 0;
    if (node.children.size() > 1 && node.children[0]->type == ValueType::scalar)
        parameter = scalar(*node.children[0], at_ms);
    const Vector input = vector(*node.children.back(), at_ms);
    check_parameter(node, parameter);
    switch (node.aggregate) {
        case AggregateOp::count_values: return count_values(node, input);
        case AggregateOp::topk:
        case AggregateOp::bottomk:
        case AggregateOp::limitk:
        case AggregateOp::limit_ratio: return pick(node, input, parameter);
        default: return aggregate_values(node, input, parameter);
    }
}

Evaluator::Vector Evaluator::aggregate_values(const Node& node, const Vector& input, double parameter) {
    std::vector<Group> groups;
    map_.start(engine_.labels_.size());
    for (const auto& sample : input) {
        const LabelsId labels = group_of(node, sample.labels);
        const auto [place, is_new] = map_.put(labels, static_cast<std::uint32_t>(groups.size()));
        if (is_new) groups.emplace_back().labels = labels;
        groups[place].drop_name = groups[place].drop_name || sample.drop_name;
        add(groups[place], node.aggregate, sample.value);
    }
    Vector result;
    result.reserve(groups.size());
    for (auto& group : groups)
        result.push_back({group.labels, finish(group, node.aggregate, parameter), group.drop_name});
    return result;
}

void Evaluator::check_parameter(const Node& node, double parameter) {
    const Node& place = *node.children[0];
    switch (node.aggregate) {
        case AggregateOp::quantile: check_quantile(place, parameter); break;
        case AggregateOp::limit_ratio:
            if (std::isnan(parameter)) raise("Ratio value is NaN");
            if (std::abs(parameter) > 1 && annotates())
                warn(place, fmt::format("ratio value should be between -1 and 1, got {}, capping to {}",
                                        format_general(parameter), parameter > 0 ? 1 : -1));
            break;
        case AggregateOp::topk:
        case AggregateOp::bottomk:
        case AggregateOp::limitk: {
            constexpr double int64_bound = 9223372036854775808.0;
            if (parameter < 1) break;  // Picks none; Prometheus asks no further.
            if (std::isnan(parameter)) raise("Parameter value is NaN");
            if (parameter >= int64_bound) raise("Scalar value {} overflows int64", format_general(parameter));
            break;
        }
        default: break;
    }
}

Evaluator::Vector Evaluator::pick(const Node& node, const Vector& input, double parameter) {
    const bool ratio = node.aggregate == AggregateOp::limit_ratio;
    if (ratio)
        parameter = std::clamp(parameter, -1.0, 1.0);
    else if (parameter < 1)
        return {};
    std::vector<Vector> groups;
    map_.start(engine_.labels_.size());
    for (const auto& sample : input) {
        if (ratio) {
            const double share = share_of(engine_.labels_.labels(sample.labels).to_string());
            if (parameter >= 0 ? share >= parameter : share < 1 + parameter) continue;
        }
        const auto [place, is_new] = map_.put(group_of(node, sample.labels), static_cast<std::uint32_t>(groups.size()));
        if (is_new) groups.emplace_back();
        groups[place].push_back(sample);
    }
    Vector result;
    for (auto& group : groups) {
        const bool top = node.aggregate == AggregateOp::topk;
        if (top || node.aggregate == AggregateOp::bottomk)
            std::ranges::stable_sort(group, [&](const VectorSample& a, const VectorSample& b) {
                if (std::isnan(a.value) || std::isnan(b.value))
                    return !std::isnan(a.value) && std::isnan(b.value);  // NaN comes last.
                return top ? a.value > b.value : a.value < b.value;
            });
        const std::size_t count =
            ratio ? group.size() : static_cast<std::size_t>(std::min(parameter, static_cast<double>(group.size())));
        result.insert(result.end(), group.begin(), group.begin() + static_cast<std::ptrdiff_t>(count));
    }
    return result;
}

Evaluator::Vector Evaluator::count_values(const Node& node, const Vector& input) {
    const std::string& label = without_parens(*node.children[0]).text;
    if (!is_label_name(label)) raise("invalid label name {}", quoted(label));
    Vector result;
    LabelsMap places;
    places.start(engine_.labels_.size());
    for (const auto& sample : input) {
        const LabelsId labels = group_of(node, engine_.labels_.with(sample.labels, label, format_value(sample.value)));
        const auto [place, is_new] = places.put(labels, static_cast<std::uint32_t>(result.size()));
        if (is_new) result.push_back({labels, 0});
        result[place].value += 1;
    }
    return result;
}

}  // namespace medic::promql
