#include "classifiers/rules/promql/engine.h"

#include <algorithm>

#include "classifiers/rules/promql/evaluator_internal.h"

namespace medic::promql {

Engine::Engine(EngineOptions options) : options_(options) {}

Result<Expression> Engine::compile(std::string_view text) {
    Parsed parsed = parse(text);
    if (!parsed.root) {
        const auto [line, column] = line_and_column(text, parsed.error.offset);
        return fail(ErrorCode::invalid, "{}:{}: {}", line, column, parsed.error.message);
    }
    prepare(*parsed.root);
    Expression expression;
    expression.text_ = text;
    expression.root_ = std::move(parsed.root);
    return expression;
}

void Engine::prepare(Node& node) {
    for (const auto& child : node.children) prepare(*child);
    switch (node.kind) {
        case Node::Kind::selector:
        case Node::Kind::matrix: {
            const auto same = [&](const Selection& selection) {
                return std::ranges::equal(selection.matchers, node.matchers,
                                          [](const LabelMatcher& a, const LabelMatcher& b) {
                                              return a.label == b.label && a.op == b.op && a.value == b.value;
                                          });
            };
            const auto found = std::ranges::find_if(selections_, same);
            node.slot = static_cast<std::uint32_t>(found - selections_.begin());
            if (found == selections_.end()) selections_.push_back({node.matchers, 0, {}});
            break;
        }
        case Node::Kind::aggregate: {
            std::vector<std::string> labels = node.grouping;
            if (node.without) labels.emplace_back("__name__");
            if (node.aggregate == AggregateOp::count_values && !node.without)
                labels.push_back(without_parens(*node.children[0]).text);
            node.list = labels_.list(std::move(labels));
            break;
        }
        case Node::Kind::binary: {
            std::vector<std::string> labels = node.matching.labels;
            node.result_list = labels_.list(labels);
            if (!node.matching.on) labels.emplace_back("__name__");
            node.list = labels_.list(std::move(labels));
            break;
        }
        case Node::Kind::call:
            if (node.function->id == static_cast<std::uint8_t>(FunctionId::histogram_quantile) ||
                node.function->id == static_cast<std::uint8_t>(FunctionId::histogram_quantiles) ||
                node.function->id == static_cast<std::uint8_t>(FunctionId::histogram_fraction))
                node.list = labels_.list({"le"});
            break;
        default: break;
    }
}

const std::vector<Engine::Selected>& Engine::select(std::uint32_t slot, const SeriesStore& store) {
    Selection& selection = selections_[slot];
    if (selection.generation == store.generation()) return selection.series;
    selection.series.clear();
    for (const SeriesId id : store.select(selection.matchers))
        selection.series.push_back({id, labels_.intern(store.labels(id))});
    selection.series.shrink_to_fit();
    selection.generation = store.generation();
    return selection.series;
}

void Engine::forget_labels() {
    labels_.clear();
    for (auto& selection : selections_) selection.generation = 0;
}

Result<Value> Engine::evaluate(const Expression& expression, const SeriesStore& store, WallTime at) {
    return evaluate(expression, store, at, {at.unix_ms, at.unix_ms});
}

Result<Value> Engine::evaluate(const Expression& expression, const SeriesStore& store, WallTime at, QueryRange range) {
    if (store_ != &store || labels_.size() > options_.label_sets_max) forget_labels();
    store_ = &store;
    try {
        return Evaluator(*this, store, range, expression.text()).value(expression.root(), at.unix_ms);
    } catch (EvaluationError& error) {
        return fail(ErrorCode::invalid, "{}", error.message);
    }
}

bool Engine::any_sample(const Expression& expression, const SeriesStore& store, WallTime at, const Labels& labels) {
    return any_sample(expression.root(), store, at, labels);
}

bool Engine::any_sample(const Node& node, const SeriesStore& store, WallTime at, const Labels& labels) {
    if (node.kind == Node::Kind::selector || node.kind == Node::Kind::matrix) {
        for (const auto& series : select(node.slot, store)) {
            if (!store.instant(series.id, at - node.offset, options_.lookback)) continue;
            const bool agrees = std::ranges::all_of(labels.pairs(), [&](const LabelPair& pair) {
                const std::string_view value = labels_.get(series.labels, pair.first);
                return pair.first == "__name__" || value.empty() || value == pair.second;
            });
            if (agrees) return true;
        }
    }
    return std::ranges::any_of(node.children, [&](const auto& child) { return any_sample(*child, store, at, labels); });
}

}  // namespace medic::promql
