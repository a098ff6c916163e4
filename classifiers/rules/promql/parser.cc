#include "classifiers/rules/promql/parser.h"

#include <algorithm>

#include "classifiers/rules/promql/check_internal.h"
#include "classifiers/rules/promql/parser_internal.h"

namespace medic::promql {

Parser::NodePtr Parser::whole() {
    if (token_.kind == Token::Kind::end) fail("no expression found in input");
    NodePtr root = expression(1);
    if (token_.kind != Token::Kind::end) fail_token("the end of the expression or an operator");
    return root;
}

Parser::NodePtr Parser::series() {
    NodePtr node = primary();
    if (node->kind != Node::Kind::selector || token_.kind != Token::Kind::end)
        fail("expected a series: name{label=\"value\"}");
    return node;
}

void Parser::advance() {
    last_end_ = token_.end;
    token_ = lexer_.next();
    if (token_.kind == Token::Kind::error) fail_at(token_.begin, token_.text);
}

bool Parser::accept(std::string_view symbol) {
    if (!token_.is(symbol)) return false;
    advance();
    return true;
}

void Parser::expect(std::string_view symbol, std::string_view context) {
    if (!accept(symbol)) fail_token(fmt::format("\"{}\" {}", symbol, context));
}

void Parser::fail_at(std::uint32_t offset, std::string message) { throw ParseFailure{{offset, std::move(message)}}; }

void Parser::fail(std::string message) const { fail_at(token_.begin, std::move(message)); }

void Parser::fail_token(std::string_view expected) const {
    const std::string found = token_.kind == Token::Kind::end ? "the end" : fmt::format("\"{}\"", token_.raw);
    fail(fmt::format("expected {}, found {}", expected, found));
}

Parser::NodePtr Parser::make(Node::Kind kind, std::uint32_t begin) {
    if (++nodes_ > limits_.nodes_max)
        fail_at(begin, fmt::format("more than {} parts in one expression", limits_.nodes_max));
    auto node = std::make_unique<Node>();
    node->kind = kind;
    node->begin = begin;
    return node;
}

Parser::NodePtr Parser::finish(NodePtr node) {
    node->end = last_end_;
    if (auto error = check_node(*node)) throw ParseFailure{*error};
    return node;
}

Parsed parse(std::string_view text, const ParseLimits& limits) {
    Parsed result;
    if (text.size() > limits.bytes_max) {
        result.error = {0,
                        fmt::format("the expression has {} bytes, at most {} are read", text.size(), limits.bytes_max)};
        return result;
    }
    try {
        std::unique_ptr<Node> root = Parser(text, limits).whole();
        result.root = std::move(root);
    } catch (ParseFailure& failed) {
        result.error = std::move(failed.error);
    }
    return result;
}

Result<Labels> parse_series(std::string_view text) {
    try {
        const std::unique_ptr<Node> node = Parser(text, {}).series();
        std::vector<LabelPair> labels;
        for (const auto& matcher : node->matchers) {
            if (matcher.op != LabelMatcher::Op::equal)
                return fail(ErrorCode::invalid, "expected a series with = only: {}", text);
            labels.emplace_back(matcher.label, matcher.value);
        }
        return Labels({}, std::move(labels));
    } catch (const ParseFailure& failed) {
        return fail(ErrorCode::invalid, "{}", failed.error.message);
    }
}

std::pair<int, int> line_and_column(std::string_view text, std::uint32_t offset) {
    const std::string_view before = text.substr(0, offset);
    const auto newline = before.rfind('\n');
    return {static_cast<int>(std::ranges::count(before, '\n')) + 1,
            static_cast<int>(newline == std::string_view::npos ? before.size() : before.size() - newline - 1) + 1};
}

}  // namespace medic::promql
