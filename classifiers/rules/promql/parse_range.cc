// What stands behind an operand: [range], [range:step], offset and @.
#include <cmath>
#include <cstdlib>

#include "classifiers/rules/promql/check_internal.h"
#include "classifiers/rules/promql/number_internal.h"
#include "classifiers/rules/promql/parser_internal.h"

namespace medic::promql {
namespace {

bool is_written(const Node& node) {
    return node.kind == Node::Kind::number ||
           (node.kind == Node::Kind::unary && node.children[0]->kind == Node::Kind::number);
}

bool takes_modifiers(const Node& node) {
    return node.kind == Node::Kind::selector || node.kind == Node::Kind::matrix || node.kind == Node::Kind::subquery;
}

}  // namespace

Parser::NodePtr Parser::postfix(NodePtr node) {
    for (;;) {
        if (token_.is("["))
            node = bracket(std::move(node));
        else if (token_.is_word("offset"))
            offset(*node);
        else if (token_.is("@"))
            at(*node);
        else if (token_.is_word("anchored") || token_.is_word("smoothed"))
            fail(fmt::format("the modifier \"{}\" is experimental and not supported", token_.raw));
        else
            return node;
        node->end = last_end_;
    }
}

void Parser::duration(DurationPlace place, Duration& fixed, NodePtr& expression_of) {
    const std::uint32_t begin = token_.begin;
    const bool plain = token_.kind == Token::Kind::number || token_.kind == Token::Kind::duration ||
                       token_.kind == Token::Kind::identifier || token_.is("(") || token_.is("-") || token_.is("+");
    if (!plain) fail_token("a duration such as 5m");
    ++in_duration_;
    NodePtr node = place == DurationPlace::brackets ? expression(1) : signed_primary();
    --in_duration_;
    std::optional<ParseError> problem;
    const auto seconds = constant_duration(*node, problem);
    if (problem) throw ParseFailure{*problem};
    if (!seconds) {
        expression_of = std::move(node);
        return;
    }
    const auto found = to_duration(*seconds, is_written(*node) ? DurationOrigin::written : DurationOrigin::computed);
    if (!found) fail_at(begin, "duration out of range");
    if (place == DurationPlace::brackets && *seconds <= 0) fail_at(begin, "duration must be greater than 0");
    fixed = *found;
}

Parser::NodePtr Parser::signed_primary() {
    if (!token_.is("-") && !token_.is("+")) return primary();
    NodePtr node = make(Node::Kind::unary, token_.begin);
    node->negative = token_.is("-");
    advance();
    node->children.push_back(primary());
    return finish(std::move(node));
}

Parser::NodePtr Parser::bracket(NodePtr inner) {
    const std::uint32_t opening = token_.begin;
    advance();
    Duration range{0};
    NodePtr range_of;
    duration(DurationPlace::brackets, range, range_of);
    if (accept(":")) {
        const Depth depth(*this);
        NodePtr node = make(Node::Kind::subquery, inner->begin);
        node->range = range;
        node->range_of = std::move(range_of);
        if (const std::uint32_t begin = token_.begin; !token_.is("]")) {
            duration(DurationPlace::brackets, node->step, node->step_of);
            if (!node->step_of && node->step.count() == 0) fail_at(begin, "a step must be 1ms or more");
        }
        expect("]", "after the subquery's step");
        node->children.push_back(std::move(inner));
        return finish(std::move(node));
    }
    expect("]", "after the range");
    if (inner->kind != Node::Kind::selector) fail_at(opening, "ranges only allowed for vector selectors");
    if (inner->offset.count() != 0 || inner->offset_of) fail_at(opening, "no offset modifiers allowed before range");
    if (inner->at) fail_at(opening, "no @ modifiers allowed before range");
    inner->kind = Node::Kind::matrix;
    inner->range = range;
    inner->range_of = std::move(range_of);
    return finish(std::move(inner));
}

void Parser::offset(Node& node) {
    if (!takes_modifiers(node))
        fail(
            "offset modifier must be preceded by an instant vector selector or range vector selector or a "
            "subquery");
    if (node.offset.count() != 0 || node.offset_of) fail("offset may not be set multiple times");
    advance();
    duration(DurationPlace::offset, node.offset, node.offset_of);
}

void Parser::at(Node& node) {
    if (!takes_modifiers(node))
        fail("@ modifier must be preceded by an instant vector selector or range vector selector or a subquery");
    if (node.at) fail("@ <timestamp> may not be set multiple times");
    advance();
    AtModifier modifier;
    const bool start = token_.is_word("start");
    if (start || token_.is_word("end")) {
        modifier.kind = start ? AtModifier::Kind::start : AtModifier::Kind::end;
        advance();
        expect("(", "after @ start or @ end");
        expect(")", "after @ start( or @ end(");
    } else {
        const bool negative = token_.is("-");
        if (negative || token_.is("+")) advance();
        if (token_.kind != Token::Kind::number && token_.kind != Token::Kind::duration)
            fail_token("a time in seconds, start() or end() after @");
        const double at_ms = (negative ? -token_.number : token_.number) * 1000;
        if (!(std::abs(at_ms) < 9e15)) fail("timestamp out of bounds for @ modifier");
        modifier.at_ms = std::llround(at_ms);
        advance();
    }
    node.at = modifier;
}

}  // namespace medic::promql
