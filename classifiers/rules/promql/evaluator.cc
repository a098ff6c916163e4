#include <algorithm>
#include <cmath>
#include <limits>

#include "classifiers/rules/promql/evaluator_internal.h"
#include "classifiers/rules/promql/number_internal.h"

namespace medic::promql {

Value Evaluator::value(const Node& node, std::int64_t at_ms) {
    Value result;
    result.type = node.type;
    switch (node.type) {
        case ValueType::scalar: result.scalar = scalar(node, at_ms); break;
        case ValueType::vector:
            result.vector = vector(node, at_ms);
            drop_names(result.vector);
            break;
        case ValueType::matrix:
            each_series(node, at_ms, [&](const RangeSeries& series, const RangeArguments& arguments) {
                const LabelsId labels = series.drop_name ? engine_.labels_.drop_name(series.labels) : series.labels;
                result.matrix.push_back({labels, {arguments.samples.begin(), arguments.samples.end()}});
            });
            break;
        case ValueType::string: result.text = without_parens(node).text; break;
    }
    result.warnings.assign(warnings_.begin(), warnings_.end());
    result.infos.assign(infos_.begin(), infos_.end());
    return result;
}

void Evaluator::drop_names(Vector& vector) {
    for (auto& sample : vector) {
        if (!sample.drop_name) continue;
        sample.labels = engine_.labels_.drop_name(sample.labels);
        sample.drop_name = false;
    }
    check_unique(vector);
}

double Evaluator::scalar(const Node& node, std::int64_t at_ms) {
    switch (node.kind) {
        case Node::Kind::number: return node.number;
        case Node::Kind::paren: return scalar(*node.children[0], at_ms);
        case Node::Kind::unary:
            return node.negative ? -scalar(*node.children[0], at_ms) : scalar(*node.children[0], at_ms);
        case Node::Kind::binary: {
            Vector single{{0, scalar(*node.children[0], at_ms)}};
            return binary_scalar(node, std::move(single), scalar(*node.children[1], at_ms), false)[0].value;
        }
        default: break;
    }
    switch (static_cast<FunctionId>(node.function->id)) {
        case FunctionId::pi: return 3.141592653589793;
        case FunctionId::time: return static_cast<double>(at_ms) / 1000;
        case FunctionId::start: return static_cast<double>(range_.start_ms) / 1000;
        case FunctionId::end: return static_cast<double>(range_.end_ms) / 1000;
        case FunctionId::range: return static_cast<double>(range_.end_ms - range_.start_ms) / 1000;
        case FunctionId::step: return static_cast<double>(range_.step_ms) / 1000;
        case FunctionId::max_of:
        case FunctionId::min_of: {
            const double a = scalar(*node.children[0], at_ms), b = scalar(*node.children[1], at_ms);
            // As Go's math.Max and math.Min: NaN wins.
            if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
            return static_cast<FunctionId>(node.function->id) == FunctionId::max_of ? std::max(a, b) : std::min(a, b);
        }
        default: {
            const Vector single = vector(*node.children[0], at_ms);
            return single.size() == 1 ? single[0].value : std::numeric_limits<double>::quiet_NaN();
        }
    }
}

Evaluator::Vector Evaluator::vector(const Node& node, std::int64_t at_ms) {
    switch (node.kind) {
        case Node::Kind::selector: return selector(node, at_ms, false);
        case Node::Kind::paren: return vector(*node.children[0], at_ms);
        case Node::Kind::call: return call(node, at_ms);
        case Node::Kind::aggregate: return aggregate(node, at_ms);
        case Node::Kind::binary: return binary(node, at_ms);
        case Node::Kind::unary: {
            Vector result = vector(*node.children[0], at_ms);
            if (!node.negative) return result;
            for (auto& sample : result) sample = {sample.labels, -sample.value, true};
            return result;
        }
        default: raise("an expression of type {} where an instant vector was expected", to_string(node.type));
    }
}

std::int64_t Evaluator::effective_time(const Node& node, std::int64_t at_ms) {
    if (node.at) {
        switch (node.at->kind) {
            case AtModifier::Kind::time: at_ms = node.at->at_ms; break;
            case AtModifier::Kind::start: at_ms = range_.start_ms; break;
            case AtModifier::Kind::end: at_ms = range_.end_ms; break;
        }
    }
    return at_ms - duration(node.offset, node.offset_of, at_ms, DurationSign::any).count();
}

Duration Evaluator::duration(Duration fixed, const std::unique_ptr<Node>& expression, std::int64_t at_ms,
                             DurationSign sign) {
    if (!expression) return fixed;
    const double seconds = scalar(*expression, at_ms);
    const auto found = to_duration(seconds, DurationOrigin::computed);
    if (!found) raise("duration out of range");
    if (sign == DurationSign::positive && seconds <= 0) raise("duration must be greater than 0");
    return *found;
}

Evaluator::Vector Evaluator::selector(const Node& node, std::int64_t at_ms, bool times) {
    const auto& selected = engine_.select(node.slot, store_);
    const WallTime at{effective_time(node, at_ms)};
    Vector result;
    result.reserve(selected.size());
    for (const auto& series : selected) {
        const auto sample = store_.instant(series.id, at, engine_.options_.lookback + closed_by());
        if (!sample) continue;
        result.push_back({series.labels, times ? static_cast<double>(sample->at_ms) / 1000 : sample->value});
    }
    count_samples(result.size());
    return result;
}

void Evaluator::each_series(const Node& node, std::int64_t at_ms, const OnSeries& on) {
    if (node.kind == Node::Kind::paren) return each_series(*node.children[0], at_ms, on);
    if (node.kind == Node::Kind::subquery) return each_of_subquery(node, at_ms, on);
    RangeArguments arguments;
    arguments.at_ms = at_ms;
    arguments.zero_first = closed_windows();
    arguments.end_ms = effective_time(node, at_ms);
    arguments.start_ms = arguments.end_ms - duration(node.range, node.range_of, at_ms, DurationSign::positive).count();
    for (const auto& series : engine_.select(node.slot, store_)) {
        (void)store_.range(series.id, WallTime{arguments.start_ms} - closed_by(), {arguments.end_ms}, buffer_);
        count_samples(buffer_.size());
        std::erase_if(buffer_, [](const Sample& sample) { return is_stale_marker(sample.value); });
        if (buffer_.empty()) continue;
        arguments.samples = buffer_;
        on({series.labels, false}, arguments);
    }
}

void Evaluator::each_of_subquery(const Node& node, std::int64_t at_ms, const OnSeries& on) {
    RangeArguments arguments;
    arguments.at_ms = at_ms;
    arguments.zero_first = closed_windows();
    arguments.end_ms = effective_time(node, at_ms);
    const std::int64_t width = duration(node.range, node.range_of, at_ms, DurationSign::positive).count();
    arguments.start_ms = arguments.end_ms - width;
    const bool has_step = node.step_of || node.step.count() > 0;
    const std::int64_t step =
        (has_step ? duration(node.step, node.step_of, at_ms, DurationSign::positive) : engine_.options_.subquery_step)
            .count();
    if (step == 0) raise("a step must be 1ms or more");
    if (width / step > static_cast<std::int64_t>(engine_.options_.steps_max))
        raise("the subquery has more than {} steps: widen its step", engine_.options_.steps_max);
    // Steps are whole multiples of the step, whatever the evaluation's time: successive evaluations see the same ones.
    std::int64_t first = step * (arguments.start_ms / step);
    if (first <= arguments.start_ms - closed_by().count()) first += step;
    std::vector<MatrixSeries> found;
    LabelsMap places;  // Not map_: the inner expression uses it.
    places.start(engine_.labels_.size());
    for (std::int64_t each = first; each <= arguments.end_ms; each += step) {
        const Vector step_values = vector(*node.children[0], each);
        count_samples(step_values.size());
        for (const auto& sample : step_values) {
            const auto [place, is_new] = places.put(sample.labels, static_cast<std::uint32_t>(found.size()));
            if (is_new) found.push_back({sample.labels, {}, false});
            found[place].samples.push_back({each, sample.value});
            found[place].drop_name = found[place].drop_name || sample.drop_name;
        }
    }
    for (const auto& series : found) {
        arguments.samples = series.samples;
        on({series.labels, series.drop_name}, arguments);
    }
}

void Evaluator::check_unique(const Vector& vector) {
    map_.start(engine_.labels_.size());
    for (const auto& sample : vector)
        if (!map_.put(sample.labels, 0).second) raise("vector cannot contain metrics with the same labelset");
}

void Evaluator::count_samples(std::size_t count) {
    samples_ += count;
    engine_.samples_read_ += count;
    if (samples_ > engine_.options_.samples_max)
        raise("the expression reads more than {} samples", engine_.options_.samples_max);
}

void Evaluator::check_size(std::size_t series) const {
    if (series > engine_.options_.series_max)
        raise("the expression makes more than {} series", engine_.options_.series_max);
}

}  // namespace medic::promql
