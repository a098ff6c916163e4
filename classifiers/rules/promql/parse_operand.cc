// What stands by itself: literals, selectors with their matchers, calls, aggregations, parentheses.
#include <algorithm>

#include <re2/re2.h>

#include "classifiers/rules/promql/parser_internal.h"
#include "classifiers/rules/promql/text.h"

namespace medic::promql {

struct AggregateWord {
    std::string_view text;
    AggregateOp op;
    bool parameter;
};

namespace {

constexpr AggregateWord aggregate_words[] = {
    {"sum", AggregateOp::sum, false},          {"avg", AggregateOp::avg, false},
    {"min", AggregateOp::min, false},          {"max", AggregateOp::max, false},
    {"count", AggregateOp::count, false},      {"group", AggregateOp::group, false},
    {"stddev", AggregateOp::stddev, false},    {"stdvar", AggregateOp::stdvar, false},
    {"topk", AggregateOp::topk, true},         {"bottomk", AggregateOp::bottomk, true},
    {"quantile", AggregateOp::quantile, true}, {"count_values", AggregateOp::count_values, true},
    {"limitk", AggregateOp::limitk, true},     {"limit_ratio", AggregateOp::limit_ratio, true},
};

// Every other keyword may be a metric's name too.
bool names_no_metric(const Token& token) {
    constexpr std::string_view words[] = {"atan2", "bool", "group_left", "group_right", "ignoring", "on"};
    return std::ranges::any_of(words, [&](std::string_view word) { return token.is_word(word); });
}

}  // namespace

Parser::NodePtr Parser::primary() {
    const std::uint32_t begin = token_.begin;
    switch (token_.kind) {
        case Token::Kind::number:
        case Token::Kind::duration: {
            NodePtr node = make(Node::Kind::number, begin);
            node->number = token_.number;
            advance();
            return finish(std::move(node));
        }
        case Token::Kind::string: {
            NodePtr node = make(Node::Kind::string, begin);
            node->text = token_.text;
            advance();
            return finish(std::move(node));
        }
        case Token::Kind::identifier: return named();
        default: break;
    }
    if (token_.is("{")) {
        NodePtr node = make(Node::Kind::selector, begin);
        matchers(*node);
        return finish(std::move(node));
    }
    if (!token_.is("(")) fail_token("an expression");
    advance();
    NodePtr node = make(Node::Kind::paren, begin);
    node->children.push_back(expression(1));
    expect(")", "that closes the parenthesis");
    return finish(std::move(node));
}

Parser::NodePtr Parser::named() {
    const Token name = token_;
    if (names_no_metric(name)) fail_token("an expression");
    advance();
    for (const auto& word : aggregate_words)
        if (name.is_word(word.text) && (token_.is("(") || token_.is_word("by") || token_.is_word("without")))
            return aggregate(name, word);
    if (token_.is("(")) return call(name);
    NodePtr node = make(Node::Kind::selector, name.begin);
    node->text = name.raw;
    if (token_.is("{")) matchers(*node);
    node->matchers.push_back({"__name__", LabelMatcher::Op::equal, node->text});
    return finish(std::move(node));
}

Parser::NodePtr Parser::call(const Token& name) {
    // Prometheus reads step() and the like in any case, but only inside durations.
    const Function* const function = find_function(in_duration_ > 0 ? lower(name.raw) : std::string(name.raw));
    if (function == nullptr) {
        if (const std::string_view reason = why_not_supported(name.raw); !reason.empty())
            fail_at(name.begin, fmt::format("{}() {}", name.raw, reason));
        const std::string_view near = nearest_function(name.raw);
        fail_at(name.begin, fmt::format("unknown function with name \"{}\"{}", name.raw,
                                        near.empty() ? "" : fmt::format(": did you mean \"{}\"?", near)));
    }
    NodePtr node = make(Node::Kind::call, name.begin);
    node->text = name.raw;
    node->function = function;
    arguments(*node);
    return finish(std::move(node));
}

void Parser::arguments(Node& node) {
    expect("(", "before the arguments");
    while (!token_.is(")")) {
        node.children.push_back(expression(1));
        if (token_.is(")")) break;
        expect(",", "or \")\" after the argument");
        if (token_.is(")")) fail("trailing commas not allowed in function call args");
    }
    advance();
}

Parser::NodePtr Parser::aggregate(const Token& name, const AggregateWord& word) {
    NodePtr node = make(Node::Kind::aggregate, name.begin);
    node->aggregate = word.op;
    const bool before = grouping(*node);
    arguments(*node);
    if (!before) grouping(*node);
    const std::size_t expected = word.parameter ? 2 : 1;
    if (node->children.size() != expected)
        fail_at(name.begin,
                fmt::format("wrong number of arguments for aggregate expression provided, expected {}, got {}",
                            expected, node->children.size()));
    return finish(std::move(node));
}

bool Parser::grouping(Node& node) {
    if (!token_.is_word("by") && !token_.is_word("without")) return false;
    node.without = token_.is_word("without");
    advance();
    node.grouping = label_list();
    return true;
}

std::vector<std::string> Parser::label_list() {
    std::vector<std::string> labels;
    expect("(", "before the list of labels");
    while (!token_.is(")")) {
        if (token_.kind == Token::Kind::string && is_label_name(token_.text))
            labels.push_back(token_.text);
        else if (token_.kind == Token::Kind::identifier && !token_.is_word("without"))
            labels.emplace_back(token_.raw);
        else
            fail_token("a label's name");
        advance();
        if (!accept(",") && !token_.is(")")) fail_token("\",\" or \")\" in the list of labels");
    }
    advance();
    return labels;
}

void Parser::matchers(Node& node) {
    expect("{", "before the matchers");
    while (!token_.is("}")) {
        LabelMatcher matcher;
        const bool quoted = token_.kind == Token::Kind::string;
        if (!quoted && token_.kind != Token::Kind::identifier) fail_token("a label's name or \"}\"");
        matcher.label = quoted ? token_.text : std::string(token_.raw);
        advance();
        if (quoted && (token_.is(",") || token_.is("}"))) {
            matcher = {"__name__", LabelMatcher::Op::equal, std::move(matcher.label)};
        } else {
            matcher.op = match_op();
            if (token_.kind != Token::Kind::string) fail_token("a value in quotes");
            matcher.value = token_.text;
            check_regex(matcher);
            advance();
        }
        node.matchers.push_back(std::move(matcher));
        if (!accept(",") && !token_.is("}")) fail_token("\",\" or \"}\" after the matcher");
    }
    advance();
}

LabelMatcher::Op Parser::match_op() {
    using Op = LabelMatcher::Op;
    for (const auto& [symbol, op] :
         {std::pair{"=", Op::equal}, {"!=", Op::not_equal}, {"=~", Op::matches}, {"!~", Op::not_matches}})
        if (accept(symbol)) return op;
    fail_token("=, !=, =~ or !~ after the label's name");
}

void Parser::check_regex(const LabelMatcher& matcher) const {
    if (matcher.op != LabelMatcher::Op::matches && matcher.op != LabelMatcher::Op::not_matches) return;
    const RE2 regex(matcher.value, RE2::Quiet);
    if (!regex.ok()) fail(fmt::format("bad regular expression \"{}\": {}", matcher.value, regex.error()));
}

}  // namespace medic::promql
