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

// group_left(__name__): the result has the name of its "one" side.
bool takes_name(const Node& node) {
    const auto& include = node.matching.include;
    return std::ranges::find(include, "__name__") != include.end();
}

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
    const bool drops = drops_name(node);
    for (const auto& sample : vector) {
        Outcome outcome = scalar_left ? compute(node.op, scalar, sample.value) : compute(node.op, sample.value, scalar);
        // A filter keeps the vector's value, whichever side it stands on.
        if (is_comparison(node.op)) outcome.value = node.return_bool ? (outcome.keep ? 1 : 0) : sample.value;
        if (!outcome.keep && !node.return_bool) continue;
        vector[kept++] = {sample.labels, outcome.value, drops || sample.drop_name};
    }
    vector.resize(kept);
    return vector;
}

LabelsId Evaluator::signature(const Node& node, LabelsId labels) {
    return node.matching.on ? engine_.labels_.keep(labels, node.list) : engine_.labels_.drop(labels, node.list);
}

LabelsId Evaluator::result_labels(const Node& node, const VectorSample& many, LabelsId one) {
    LabelTable& table = engine_.labels_;
    const bool drop = !is_comparison(node.op) || (many.drop_name && takes_name(node));
    LabelsId result = drop ? table.drop_name(many.labels) : many.labels;
    if (node.matching.cardinality == Matching::Cardinality::one_to_one)
        result = node.matching.on ? table.keep(result, node.result_list) : table.drop(result, node.result_list);
    for (const auto& label : node.matching.include)
        result = table.with(result, label, std::string(table.get(one, label)));
    return result;
}

// Finds for each sample of the "many" side its partner on the "one" side. For one_to_many the sides are swapped.
struct Evaluator::Match {
    const Node& node;
    const Vector &many, &one;
    std::vector<bool> matched;  // Of `one`, then of what stands in.
    Vector result;
    [[nodiscard]] bool swapped() const { return node.matching.cardinality == Matching::Cardinality::one_to_many; }
    // What stands in for a missing partner. For group_right Prometheus takes fill_right for the "one" side too, which
    // stands on the left.
    [[nodiscard]] const std::optional<double>& fill_one() const { return node.matching.fill_right; }
    [[nodiscard]] const std::optional<double>& fill_many() const { return node.matching.fill_left; }
};

void Evaluator::index_one_side(const Match& match) {
    map_.start(engine_.labels_.size());
    for (std::uint32_t i = 0; i < match.one.size(); ++i) {
        const LabelsId key = signature(match.node, match.one[i].labels);
        const auto [place, is_new] = map_.put(key, i);
        if (is_new) continue;
        std::string first = label_text(match.one[place].labels), second = label_text(match.one[i].labels);
        if (second < first) std::swap(first, second);
        raise(
            "found duplicate series for the match group {} on the {} hand-side of the operation: [{}, {}];many-to-many "
            "matching not allowed: matching labels must be unique on one side",
            label_text(key), match.swapped() ? "left" : "right", first, second);
    }
}

void Evaluator::join(Match& match, const VectorSample& many, const VectorSample& one, std::uint32_t place) {
    const Node& node = match.node;
    Outcome outcome =
        match.swapped() ? compute(node.op, one.value, many.value) : compute(node.op, many.value, one.value);
    if (is_comparison(node.op) && node.return_bool) outcome = {outcome.keep ? 1.0 : 0.0};
    const LabelsId labels = result_labels(node, many, one.labels);
    // Even when a filter would drop it: whether a rule fails must not hang on its values.
    if (node.matching.cardinality == Matching::Cardinality::one_to_one) {
        if (match.matched[place])
            raise("multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)");
    } else {
        const auto [before, is_new] = joined_.put(labels, place);
        if (!is_new && before == place)
            raise("multiple matches for labels: grouping labels must ensure unique matches");
    }
    match.matched[place] = true;
    // A name that was dropped on the "many" side is gone; the one that was taken in its place stays.
    const bool drop_name = node.return_bool || (many.drop_name && !takes_name(node));
    if (outcome.keep) match.result.push_back({labels, outcome.value, drop_name});
}

// Behind the places of `one`: what stands in for a partner is matched no more often than a partner.
std::uint32_t Evaluator::place_of_filled(Match& match, LabelsId key) {
    const auto [place, is_new] = filled_.put(key, static_cast<std::uint32_t>(match.matched.size()));
    if (is_new) match.matched.push_back(false);
    return place;
}

Evaluator::Vector Evaluator::binary_vectors(const Node& node, const Vector& left, const Vector& right) {
    const bool swap = node.matching.cardinality == Matching::Cardinality::one_to_many;
    Match match{node, swap ? right : left, swap ? left : right, {}, {}};
    const bool fills = match.fill_one() || match.fill_many();
    if ((match.many.empty() || match.one.empty()) && !fills) return {};
    match.matched.assign(match.one.size(), false);
    index_one_side(match);
    joined_.start(engine_.labels_.size());
    filled_.start(engine_.labels_.size());
    for (const auto& sample : match.many) {
        const LabelsId key = signature(node, sample.labels);
        if (const std::uint32_t* const place = map_.find(key))
            join(match, sample, match.one[*place], *place);
        else if (match.fill_one())
            join(match, sample, {key, *match.fill_one()}, place_of_filled(match, key));
    }
    if (match.fill_many())
        for (std::uint32_t i = 0; i < match.one.size(); ++i)
            if (!match.matched[i])
                join(match, {signature(node, match.one[i].labels), *match.fill_many()}, match.one[i], i);
    return std::move(match.result);
}

std::string Evaluator::label_text(LabelsId labels) const {
    std::string text;
    const Labels set = engine_.labels_.labels(labels);
    for (const auto& [name, value] : set.pairs())
        text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name, quoted(value));
    return "{" + text + "}";
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
