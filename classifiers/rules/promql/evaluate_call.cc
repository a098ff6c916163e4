#include <algorithm>
#include <cmath>

#include <re2/re2.h>

#include "classifiers/rules/promql/evaluator_internal.h"

namespace medic::promql {
namespace {

FunctionId id_of(const Node& node) { return static_cast<FunctionId>(node.function->id); }

const std::string& text_of(const Node& node) { return without_parens(node).text; }

// Go's regexp.Expand: $1, ${1}, $name, ${name}, $$.
std::string expand(std::string_view pattern, std::span<const re2::StringPiece> groups, const RE2& regex) {
    std::string result;
    const auto is_word = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    for (std::size_t i = 0; i < pattern.size();) {
        if (pattern[i] != '$' || i + 1 == pattern.size()) {
            result += pattern[i++];
            continue;
        }
        if (pattern[i + 1] == '$') {
            result += '$';
            i += 2;
            continue;
        }
        const bool braces = pattern[i + 1] == '{';
        const std::size_t from = i + (braces ? 2 : 1);
        std::size_t to = from;
        while (to < pattern.size() && is_word(pattern[to])) ++to;
        if (to == from || (braces && (to == pattern.size() || pattern[to] != '}'))) {
            result += pattern[i++];
            continue;
        }
        const std::string name(pattern.substr(from, to - from));
        i = to + (braces ? 1 : 0);
        std::size_t index = groups.size();
        if (name.find_first_not_of("0123456789") == std::string::npos) {
            index = name.size() < 6 ? std::stoul(name) : groups.size();
        } else {
            const auto& named = regex.NamedCapturingGroups();
            if (const auto found = named.find(name); found != named.end())
                index = static_cast<std::size_t>(found->second);
        }
        if (index < groups.size()) result.append(groups[index].data(), groups[index].size());
    }
    return result;
}

// "file2" before "file10".
bool natural_less(std::string_view a, std::string_view b) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    std::size_t i = 0, j = 0;
    while (i < a.size() && j < b.size()) {
        if (digit(a[i]) && digit(b[j])) {
            std::size_t a_end = i, b_end = j;
            while (a_end < a.size() && digit(a[a_end])) ++a_end;
            while (b_end < b.size() && digit(b[b_end])) ++b_end;
            std::string_view x = a.substr(i, a_end - i), y = b.substr(j, b_end - j);
            while (x.size() > 1 && x[0] == '0') x.remove_prefix(1);
            while (y.size() > 1 && y[0] == '0') y.remove_prefix(1);
            if (x != y) return x.size() != y.size() ? x.size() < y.size() : x < y;
            i = a_end;
            j = b_end;
        } else {
            if (a[i] != b[j]) return a[i] < b[j];
            ++i;
            ++j;
        }
    }
    return a.size() - i < b.size() - j;
}

// NaN passes, as in Prometheus, and gives NaN.
void check_factors(double smoothing, double trend) {
    if (smoothing <= 0 || smoothing >= 1) raise("invalid smoothing factor. Expected: 0 < sf < 1, got: {:f}", smoothing);
    if (trend <= 0 || trend >= 1) raise("invalid trend factor. Expected: 0 < tf < 1, got: {:f}", trend);
}

// The labels that a selector fixes. As Prometheus has them: a second condition on a label unfixes it, but an equality
// fixes it again where it is the label's first.
Labels fixed_labels(const std::vector<LabelMatcher>& matchers) {
    std::vector<LabelPair> labels;
    std::vector<std::string_view> equal;
    for (const auto& matcher : matchers) {
        if (matcher.label == "__name__") continue;
        std::erase_if(labels, [&](const LabelPair& pair) { return pair.first == matcher.label; });
        if (matcher.op != LabelMatcher::Op::equal || std::ranges::find(equal, matcher.label) != equal.end()) continue;
        equal.push_back(matcher.label);
        labels.emplace_back(matcher.label, matcher.value);
    }
    return Labels({}, std::move(labels));
}

}  // namespace

Evaluator::Vector Evaluator::call(const Node& node, std::int64_t at_ms) {
    const FunctionId id = id_of(node);
    if (is_value_function(id)) return value_call(node, id, at_ms);
    if (is_range_function(id)) return range_call(node, id, at_ms);
    switch (id) {
        case FunctionId::absent:
        case FunctionId::absent_over_time: return absent(node, id, at_ms);
        case FunctionId::histogram_quantile:
        case FunctionId::histogram_fraction: return histogram(node, id, at_ms);
        case FunctionId::histogram_quantiles: return histogram_quantiles(node, at_ms);
        case FunctionId::label_replace: return label_replace(node, at_ms);
        case FunctionId::label_join: return label_join(node, at_ms);
        case FunctionId::vector: return {{0, scalar(*node.children[0], at_ms)}};
        case FunctionId::timestamp: {
            const Node& inner = without_parens(*node.children[0]);
            const bool direct = inner.kind == Node::Kind::selector;
            Vector result = direct ? selector(inner, at_ms, true) : vector(inner, at_ms);
            for (auto& sample : result)
                sample = {sample.labels, direct ? sample.value : static_cast<double>(at_ms) / 1000, true};
            return result;
        }
        default: return sorted(node, id, at_ms);
    }
}

Evaluator::Vector Evaluator::value_call(const Node& node, FunctionId id, std::int64_t at_ms) {
    if (node.children.empty())
        return {{0, apply_value(id, static_cast<double>(at_ms) / 1000, 0, 0)}};  // hour() and the like: of now.
    Vector result = vector(*node.children[0], at_ms);
    const double a = node.children.size() > 1 ? scalar(*node.children[1], at_ms) : 1;
    const double b = node.children.size() > 2 ? scalar(*node.children[2], at_ms) : 0;
    if (id == FunctionId::clamp && b < a) return {};
    for (auto& sample : result) sample = {sample.labels, apply_value(id, sample.value, a, b), true};
    return result;
}

Evaluator::Vector Evaluator::range_call(const Node& node, FunctionId id, std::int64_t at_ms) {
    const Node* range = nullptr;
    double scalars[2] = {0, 0};
    std::size_t count = 0;
    for (const auto& child : node.children) {
        if (child->type == ValueType::matrix)
            range = child.get();
        else
            scalars[count++] = scalar(*child, at_ms);
    }
    const bool of_counters = annotates() && (id == FunctionId::rate || id == FunctionId::increase);
    const bool keeps_name = id == FunctionId::last_over_time || id == FunctionId::first_over_time;
    Vector result;
    each_series(*range, at_ms, [&](const RangeSeries& series, const RangeArguments& window) {
        RangeArguments arguments = window;
        arguments.a = scalars[0];
        arguments.b = scalars[1];
        // Prometheus looks at the scalars only where there is a series.
        if (id == FunctionId::quantile_over_time) check_quantile(*node.children[0], scalars[0]);
        if (id == FunctionId::double_exponential_smoothing) check_factors(scalars[0], scalars[1]);
        const auto value = apply_range(id, arguments);
        if (!value) return;
        if (of_counters) check_counter_name(*range, series.labels);
        result.push_back({series.labels, *value, !keeps_name || series.drop_name});
    });
    return result;
}

Evaluator::Vector Evaluator::absent(const Node& node, FunctionId id, std::int64_t at_ms) {
    const Node& inner = without_parens(*node.children[0]);
    bool found = false;
    if (id == FunctionId::absent)
        found = !vector(inner, at_ms).empty();
    else
        each_series(inner, at_ms, [&](const RangeSeries&, const RangeArguments&) { found = true; });
    if (found) return {};
    // What must have been there names the result.
    const bool selects = inner.kind == Node::Kind::selector || inner.kind == Node::Kind::matrix;
    return {{selects ? engine_.labels_.intern(fixed_labels(inner.matchers)) : 0, 1}};
}

Evaluator::Vector Evaluator::label_replace(const Node& node, std::int64_t at_ms) {
    const std::string &target = text_of(*node.children[1]), &replacement = text_of(*node.children[2]),
                      &source = text_of(*node.children[3]);
    RE2::Options options(RE2::Quiet);
    options.set_dot_nl(true);
    const RE2 regex(text_of(*node.children[4]), options);
    if (!regex.ok()) raise("invalid regular expression in label_replace(): {}", text_of(*node.children[4]));
    if (!is_label_name(target)) raise("invalid destination label name in label_replace(): {}", target);
    Vector result = vector(*node.children[0], at_ms);
    std::vector<re2::StringPiece> groups(static_cast<std::size_t>(regex.NumberOfCapturingGroups()) + 1);
    for (auto& sample : result) {
        const std::string value(engine_.labels_.get(sample.labels, source));
        if (!regex.Match(value, 0, value.size(), RE2::ANCHOR_BOTH, groups.data(), static_cast<int>(groups.size())))
            continue;
        sample.labels = engine_.labels_.with(sample.labels, target, expand(replacement, groups, regex));
        if (target == "__name__") sample.drop_name = false;
    }
    check_unique(result);
    return result;
}

Evaluator::Vector Evaluator::label_join(const Node& node, std::int64_t at_ms) {
    const std::string &target = text_of(*node.children[1]), &separator = text_of(*node.children[2]);
    for (std::size_t i = 3; i < node.children.size(); ++i)
        if (const std::string& source = text_of(*node.children[i]); !is_label_name(source))
            raise("invalid source label name in label_join(): {}", source);
    if (!is_label_name(target)) raise("invalid destination label name in label_join(): {}", target);
    Vector result = vector(*node.children[0], at_ms);
    for (auto& sample : result) {
        std::string joined;
        for (std::size_t i = 3; i < node.children.size(); ++i)
            joined.append(i == 3 ? "" : separator)
                .append(engine_.labels_.get(sample.labels, text_of(*node.children[i])));
        sample.labels = engine_.labels_.with(sample.labels, target, joined);
        if (target == "__name__") sample.drop_name = false;
    }
    check_unique(result);
    return result;
}

Evaluator::Vector Evaluator::sorted(const Node& node, FunctionId id, std::int64_t at_ms) {
    Vector result = vector(*node.children[0], at_ms);
    if (range_.start_ms != range_.end_ms)
        warn(node, "sort is ineffective for range queries since results are always ordered by labels");
    const bool descending = id == FunctionId::sort_desc || id == FunctionId::sort_by_label_desc;
    if (id == FunctionId::sort || id == FunctionId::sort_desc) {
        std::ranges::stable_sort(result, [&](const VectorSample& a, const VectorSample& b) {
            if (std::isnan(a.value) || std::isnan(b.value))
                return !std::isnan(a.value) && std::isnan(b.value);  // NaN comes last.
            return descending ? a.value > b.value : a.value < b.value;
        });
        return result;
    }
    std::ranges::stable_sort(result, [&](const VectorSample& a, const VectorSample& b) {
        for (std::size_t i = 1; i < node.children.size(); ++i) {
            const std::string& label = text_of(*node.children[i]);
            const auto x = engine_.labels_.get(a.labels, label), y = engine_.labels_.get(b.labels, label);
            if (x != y) return natural_less(x, y) != descending;
        }
        const Labels x = engine_.labels_.labels(a.labels), y = engine_.labels_.labels(b.labels);
        return x != y && (x < y) != descending;
    });
    return result;
}

}  // namespace medic::promql
