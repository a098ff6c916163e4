#include <algorithm>
#include <cmath>

#include "classifiers/rules/promql/evaluator_internal.h"

namespace medic::promql {
namespace {

struct Outcome {
    double value = 0;
    bool keep = true;
};

Outcome compute(BinaryOp op, double left, double right) {
    switch (op) {
        case BinaryOp::add: return {left + right};
        case BinaryOp::subtract: return {left - right};
        case BinaryOp::multiply: return {left * right};
        case BinaryOp::divide: return {left / right};
        case BinaryOp::modulo: return {std::fmod(left, right)};
        case BinaryOp::power: return {std::pow(left, right)};
        case BinaryOp::atan2: return {std::atan2(left, right)};
        case BinaryOp::equal: return {left, left == right};
        case BinaryOp::not_equal: return {left, left != right};
        case BinaryOp::greater: return {left, left > right};
        case BinaryOp::less: return {left, left < right};
        case BinaryOp::greater_equal: return {left, left >= right};
        case BinaryOp::less_equal: return {left, left <= right};
        default: return {left};
    }
}

bool drops_name(const Node& node) { return !is_comparison(node.op) || node.return_bool; }

}  // namespace

Evaluator::Vector Evaluator::binary(const Node& node, std::int64_t at_ms) {
    const Node &left = *node.children[0], &right = *node.children[1];
    if (left.type == ValueType::scalar) {
        const double number = scalar(left, at_ms);
        return binary_scalar(node, vector(right, at_ms), number, true);
    }
    Vector left_vector = vector(left, at_ms);
    if (right.type == ValueType::scalar)
        return binary_scalar(node, std::move(left_vector), scalar(right, at_ms), false);
    const Vector right_vector = vector(right, at_ms);
    return is_set_operator(node.op) ? set_operation(node, left_vector, right_vector)
                                    : binary_vectors(node, left_vector, right_vector);
}

Evaluator::Vector Evaluator::binary_scalar(const Node& node, Vector vector, double scalar, bool scalar_left) {
    std::size_t kept = 0;
    for (const auto& sample : vector) {
        Outcome outcome = scalar_left ? compute(node.op, scalar, sample.value) : compute(node.op, sample.value, scalar);
        // A filter keeps the vector's value, whichever side it stands on.
        if (is_comparison(node.op)) outcome.value = node.return_bool ? (outcome.keep ? 1 : 0) : sample.value;
        if (!outcome.keep && !node.return_bool) continue;
        vector[kept++] = {drops_name(node) ? engine_.labels_.drop_name(sample.labels) : sample.labels, outcome.value};
    }
    vector.resize(kept);
    if (drops_name(node)) check_unique(vector);
    return vector;
}

LabelsId Evaluator::signature(const Node& node, LabelsId labels) {
    return node.matching.on ? engine_.labels_.keep(labels, node.list) : engine_.labels_.drop(labels, node.list);
}

LabelsId Evaluator::result_labels(const Node& node, LabelsId many, LabelsId one) {
    LabelTable& table = engine_.labels_;
    LabelsId result = drops_name(node) ? table.drop_name(many) : many;
    if (node.matching.cardinality == Matching::Cardinality::one_to_one)
        result = node.matching.on ? table.keep(result, node.result_list) : table.drop(result, node.result_list);
    for (const auto& label : node.matching.include)
        result = table.with(result, label, std::string(table.get(one, label)));
    return result;
}

Evaluator::Vector Evaluator::binary_vectors(const Node& node, const Vector& left, const Vector& right) {
    using Cardinality = Matching::Cardinality;
    const bool swapped = node.matching.cardinality == Cardinality::one_to_many;
    const Vector &many = swapped ? right : left, &one = swapped ? left : right;
    if (many.empty() || one.empty()) return {};
    map_.start(engine_.labels_.size());
    for (std::uint32_t i = 0; i < one.size(); ++i) {
        const LabelsId key = signature(node, one[i].labels);
        if (map_.put(key, i).second) continue;
        raise(
            "found duplicate series for the match group {} on the {} hand-side of the operation: many-to-many matching "
            "not allowed: "
            "matching labels must be unique on one side",
            engine_.labels_.labels(key).to_string(), swapped ? "left" : "right");
    }
    Vector result;
    std::vector<bool> matched(one.size(), false);
    for (const auto& sample : many) {
        const std::uint32_t* const place = map_.find(signature(node, sample.labels));
        if (place == nullptr) continue;
        const VectorSample& other = one[*place];
        Outcome outcome =
            swapped ? compute(node.op, other.value, sample.value) : compute(node.op, sample.value, other.value);
        if (is_comparison(node.op) && node.return_bool) outcome = {outcome.keep ? 1.0 : 0.0};
        if (node.matching.cardinality == Cardinality::one_to_one) {
            // Even when a filter would drop it: whether a rule fails must not hang on its values.
            if (matched[*place])
                raise("multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
            matched[*place] = true;
        }
        if (!outcome.keep) continue;
        result.push_back({result_labels(node, sample.labels, other.labels), outcome.value});
    }
    map_.start(engine_.labels_.size());
    for (const auto& sample : result)
        if (!map_.put(sample.labels, 0).second)
            raise("multiple matches for labels: grouping labels must ensure unique matches");
    return result;
}

Evaluator::Vector Evaluator::set_operation(const Node& node, const Vector& left, const Vector& right) {
    Vector result;
    map_.start(engine_.labels_.size());
    const bool either = node.op == BinaryOp::logical_or;
    for (const auto& sample : either ? left : right) map_.put(signature(node, sample.labels), 0);
    const auto listed = [&](const VectorSample& sample) {
        return map_.find(signature(node, sample.labels)) != nullptr;
    };
    if (either) {
        result = left;
        std::ranges::copy_if(right, std::back_inserter(result),
                             [&](const VectorSample& sample) { return !listed(sample); });
        check_size(result.size());
    } else {
        const bool wanted = node.op == BinaryOp::logical_and;
        std::ranges::copy_if(left, std::back_inserter(result),
                             [&](const VectorSample& sample) { return listed(sample) == wanted; });
    }
    return result;
}

}  // namespace medic::promql
