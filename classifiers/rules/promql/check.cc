#include <algorithm>
#include <cmath>

#include <re2/re2.h>

#include "agent/base/yaml.h"
#include "classifiers/rules/promql/check_internal.h"
#include "classifiers/rules/promql/text.h"

namespace medic::promql {
namespace {

using Found = std::optional<ParseError>;

Found wrong(const Node& node, std::string message) { return ParseError{node.begin, std::move(message)}; }

Found expect_type(const Node& node, ValueType expected, std::string_view context) {
    if (node.type == expected) return std::nullopt;
    return wrong(node,
                 fmt::format("expected type {} in {}, got {}", to_string(expected), context, to_string(node.type)));
}

Found check_selector(Node& node) {
    node.type = node.kind == Node::Kind::selector ? ValueType::vector : ValueType::matrix;
    if (!node.text.empty()) {  // The last matcher is that of the name before the braces.
        const auto twice = std::ranges::find(node.matchers, "__name__", &LabelMatcher::label);
        return twice + 1 == node.matchers.end() ? std::nullopt
                                                : wrong(node, fmt::format("metric name must not be set twice: {} or {}",
                                                                          quoted(node.text), quoted(twice->value)));
    }
    // {x=~".*"} would read everything there is.
    const bool bounded = std::ranges::any_of(node.matchers, [](const LabelMatcher& matcher) {
        switch (matcher.op) {
            case LabelMatcher::Op::equal: return !matcher.value.empty();
            case LabelMatcher::Op::not_equal: return matcher.value.empty();
            case LabelMatcher::Op::matches: return !RE2::FullMatch("", RE2(matcher.value, RE2::Quiet));
            case LabelMatcher::Op::not_matches: return RE2::FullMatch("", RE2(matcher.value, RE2::Quiet));
        }
        return false;
    });
    if (!bounded) return wrong(node, "vector selector must contain at least one non-empty matcher");
    return std::nullopt;
}

Found check_call(Node& node) {
    const Function& function = *node.function;
    node.type = function.result;
    const std::size_t most = function.arguments.size(), given = node.children.size();
    const std::size_t optional = function.optional < 0 ? 1 : static_cast<std::size_t>(function.optional);
    if (given < most - optional)
        return wrong(node, fmt::format("expected at least {} argument(s) in call to \"{}\", got {}", most - optional,
                                       function.name, given));
    if (given > most && function.optional >= 0)
        return wrong(
            node, fmt::format("expected at most {} argument(s) in call to \"{}\", got {}", most, function.name, given));
    for (std::size_t i = 0; i < given; ++i)
        if (auto error = expect_type(*node.children[i], function.arguments[std::min(i, most - 1)],
                                     fmt::format("call to function \"{}\"", function.name)))
            return error;
    return std::nullopt;
}

Found check_aggregate(Node& node) {
    node.type = ValueType::vector;
    if (auto error = expect_type(*node.children.back(), ValueType::vector, "aggregation expression")) return error;
    if (node.children.size() < 2) return std::nullopt;
    const bool label = node.aggregate == AggregateOp::count_values;
    return expect_type(*node.children[0], label ? ValueType::string : ValueType::scalar, "aggregation parameter");
}

Found check_binary(Node& node) {
    const ValueType left = node.children[0]->type, right = node.children[1]->type;
    for (const auto& child : node.children)
        if (child->type != ValueType::scalar && child->type != ValueType::vector)
            return wrong(*child, "binary expression must contain only scalar and instant vector types");
    const bool vectors = left == ValueType::vector && right == ValueType::vector;
    node.type = left == ValueType::vector || right == ValueType::vector ? ValueType::vector : ValueType::scalar;
    if (!vectors && is_set_operator(node.op))
        return wrong(node,
                     fmt::format("set operator \"{}\" not allowed in binary scalar expression", to_string(node.op)));
    if (!vectors && !node.matching.labels.empty())
        return wrong(node, "vector matching only allowed between instant vectors");
    if (!vectors && (node.matching.fill_left || node.matching.fill_right))
        return wrong(node, "filling in missing series only allowed between instant vectors");
    if (node.type == ValueType::scalar && is_comparison(node.op) && !node.return_bool)
        return wrong(node, "comparisons between scalars must use BOOL modifier");
    return std::nullopt;
}

std::string label_text(const std::string& name) { return is_label_word(name) ? name : quoted(name); }

std::string label_names(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : ", ") + label_text(name);
    return "(" + text + ")";
}

std::string selector_text(const Node& node) {
    std::string labels;
    for (const auto& matcher : node.matchers) {
        if (!node.text.empty() && matcher.label == "__name__") continue;
        constexpr std::string_view symbols[] = {"=", "!=", "=~", "!~"};
        labels += fmt::format("{}{}{}{}", labels.empty() ? "" : ",", label_text(matcher.label),
                              symbols[static_cast<int>(matcher.op)], quoted(matcher.value));
    }
    return node.text + (labels.empty() ? "" : "{" + labels + "}");
}

std::string duration_text(Duration fixed, const std::unique_ptr<Node>& expression) {
    return expression ? to_string(*expression) : format_duration(fixed);
}

std::string modifiers_text(const Node& node) {
    std::string text;
    if (node.at) {
        if (node.at->kind == AtModifier::Kind::time)
            text += fmt::format(" @ {:.3f}", static_cast<double>(node.at->at_ms) / 1000);
        else
            text += node.at->kind == AtModifier::Kind::start ? " @ start()" : " @ end()";
    }
    if (node.offset_of)
        text += " offset (" + to_string(*node.offset_of) + ")";
    else if (node.offset.count() != 0)
        text += " offset " + format_duration(node.offset);
    return text;
}

std::string arguments_text(const Node& node) {
    std::string text;
    for (const auto& child : node.children) text += (text.empty() ? "" : ", ") + to_string(*child);
    return "(" + text + ")";
}

std::string binary_text(const Node& node) {
    std::string middle(to_string(node.op));
    if (node.return_bool) middle += " bool";
    const bool vectors = node.children[0]->type == ValueType::vector && node.children[1]->type == ValueType::vector;
    if (vectors && (node.matching.on || !node.matching.labels.empty()))
        middle += (node.matching.on ? " on " : " ignoring ") + label_names(node.matching.labels);
    if (vectors && node.matching.cardinality == Matching::Cardinality::many_to_one)
        middle += " group_left " + label_names(node.matching.include);
    if (vectors && node.matching.cardinality == Matching::Cardinality::one_to_many)
        middle += " group_right " + label_names(node.matching.include);
    if (node.matching.fill_left) middle += fmt::format(" fill_left ({})", format_value(*node.matching.fill_left));
    if (node.matching.fill_right) middle += fmt::format(" fill_right ({})", format_value(*node.matching.fill_right));
    return fmt::format("{} {} {}", to_string(*node.children[0]), middle, to_string(*node.children[1]));
}

std::optional<double> constant_call(const Node& node, std::optional<ParseError>& problem) {
    const bool least = node.function->name == "min_of";
    std::optional<double> result;
    for (const auto& child : node.children) {
        const auto value = constant_duration(*child, problem);
        if (!value) return std::nullopt;
        if (!result || (least ? *value < *result : *value > *result)) result = value;
    }
    return result;
}

std::optional<double> constant_binary(const Node& node, std::optional<ParseError>& problem) {
    const auto left = constant_duration(*node.children[0], problem),
               right = constant_duration(*node.children[1], problem);
    const bool divides = node.op == BinaryOp::divide || node.op == BinaryOp::modulo;
    if (divides && right == 0.0) problem = ParseError{node.children[1]->begin, "division by zero"};
    if (!left || !right) return std::nullopt;
    switch (node.op) {
        case BinaryOp::add: return *left + *right;
        case BinaryOp::subtract: return *left - *right;
        case BinaryOp::multiply: return *left * *right;
        case BinaryOp::power: return std::pow(*left, *right);
        case BinaryOp::divide: return *left / *right;
        case BinaryOp::modulo: return std::fmod(*left, *right);
        default:
            problem = ParseError{node.begin, fmt::format("\"{}\" is not allowed in a duration", to_string(node.op))};
            return std::nullopt;
    }
}

}  // namespace

std::optional<double> constant_duration(const Node& node, std::optional<ParseError>& problem) {
    switch (node.kind) {
        case Node::Kind::number: return node.number;
        case Node::Kind::paren: return constant_duration(*node.children[0], problem);
        case Node::Kind::unary: {
            const auto value = constant_duration(*node.children[0], problem);
            return value && node.negative ? std::optional(-*value) : value;
        }
        case Node::Kind::binary: return constant_binary(node, problem);
        case Node::Kind::call: {
            const std::string_view name = node.function->name;
            if (name == "step" || name == "range") return std::nullopt;
            if (name == "min_of" || name == "max_of") return constant_call(node, problem);
            break;
        }
        default: break;
    }
    problem = ParseError{node.begin, "expected a duration such as 5m"};
    return std::nullopt;
}

std::optional<ParseError> check_node(Node& node) {
    switch (node.kind) {
        case Node::Kind::number: node.type = ValueType::scalar; return std::nullopt;
        case Node::Kind::string: node.type = ValueType::string; return std::nullopt;
        case Node::Kind::selector:
        case Node::Kind::matrix: return check_selector(node);
        case Node::Kind::subquery:
            node.type = ValueType::matrix;
            if (node.children[0]->type == ValueType::vector) return std::nullopt;
            return wrong(node, fmt::format("subquery is only allowed on instant vector, got {} instead",
                                           to_string(node.children[0]->type)));
        case Node::Kind::call: return check_call(node);
        case Node::Kind::aggregate: return check_aggregate(node);
        case Node::Kind::binary: return check_binary(node);
        case Node::Kind::unary:
            node.type = node.children[0]->type;
            return node.type == ValueType::scalar || node.type == ValueType::vector
                       ? std::nullopt
                       : wrong(node, fmt::format("unary expression only allowed on expressions of type scalar or "
                                                 "instant vector, got {}",
                                                 to_string(node.type)));
        case Node::Kind::paren: node.type = node.children[0]->type; return std::nullopt;
    }
    return std::nullopt;
}

std::string_view to_string(ValueType type) {
    switch (type) {
        case ValueType::scalar: return "scalar";
        case ValueType::vector: return "instant vector";
        case ValueType::matrix: return "range vector";
        case ValueType::string: return "string";
    }
    return "none";
}

std::string_view to_string(BinaryOp op) {
    constexpr std::string_view texts[] = {
        "+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<=", "and", "or", "unless"};
    return texts[static_cast<int>(op)];
}

std::string_view to_string(AggregateOp op) {
    constexpr std::string_view texts[] = {"sum",      "avg",          "min",    "max",        "count",
                                          "group",    "stddev",       "stdvar", "topk",       "bottomk",
                                          "quantile", "count_values", "limitk", "limit_ratio"};
    return texts[static_cast<int>(op)];
}

std::string to_string(const Node& node) {
    switch (node.kind) {
        case Node::Kind::number: return format_value(node.number);
        case Node::Kind::string: return quoted(node.text);
        case Node::Kind::selector: return selector_text(node) + modifiers_text(node);
        case Node::Kind::matrix:
            return fmt::format("{}[{}]{}", selector_text(node), duration_text(node.range, node.range_of),
                               modifiers_text(node));
        case Node::Kind::subquery:
            return fmt::format("{}[{}:{}]{}", to_string(*node.children[0]), duration_text(node.range, node.range_of),
                               node.step.count() == 0 && !node.step_of ? "" : duration_text(node.step, node.step_of),
                               modifiers_text(node));
        case Node::Kind::call: return node.text + arguments_text(node);
        case Node::Kind::aggregate: {
            std::string text(to_string(node.aggregate));
            if (node.without || !node.grouping.empty())
                text += (node.without ? " without " : " by ") + label_names(node.grouping) + " ";
            return text + arguments_text(node);
        }
        case Node::Kind::binary: return binary_text(node);
        case Node::Kind::unary: return (node.negative ? "-" : "+") + to_string(*node.children[0]);
        case Node::Kind::paren: return "(" + to_string(*node.children[0]) + ")";
    }
    return {};
}

}  // namespace medic::promql
