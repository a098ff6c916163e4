// Operators and what stands between them and their right side: bool, on, ignoring, group_left, fill.
#include <algorithm>

#include "classifiers/rules/promql/parser_internal.h"

namespace medic::promql {
namespace {

constexpr int precedence_unary = 6;  // As '^': -1^2 is -(1^2), and -a*b is (-a)*b.

struct BinaryWord {
    std::string_view text;
    BinaryOp op;
    int precedence;
};
constexpr BinaryWord binary_words[] = {
    {"or", BinaryOp::logical_or, 1}, {"and", BinaryOp::logical_and, 2},  {"unless", BinaryOp::unless, 2},
    {"==", BinaryOp::equal, 3},      {"!=", BinaryOp::not_equal, 3},     {">", BinaryOp::greater, 3},
    {"<", BinaryOp::less, 3},        {">=", BinaryOp::greater_equal, 3}, {"<=", BinaryOp::less_equal, 3},
    {"+", BinaryOp::add, 4},         {"-", BinaryOp::subtract, 4},       {"*", BinaryOp::multiply, 5},
    {"/", BinaryOp::divide, 5},      {"%", BinaryOp::modulo, 5},         {"atan2", BinaryOp::atan2, 5},
    {"^", BinaryOp::power, 6},
};

const BinaryWord* binary_word(const Token& token) {
    for (const auto& word : binary_words) {
        const bool is_name = word.text[0] >= 'a';
        if (is_name ? token.is_word(word.text) : token.is(word.text)) return &word;
    }
    return nullptr;
}

}  // namespace

Parser::NodePtr Parser::expression(int precedence_min) {
    const Depth depth(*this);
    NodePtr left = unary();
    std::size_t chained = 0;
    while (const BinaryWord* const word = binary_word(token_)) {
        if (word->precedence < precedence_min) break;
        // A long chain is a deep tree too: the evaluator descends into its left side.
        if (++chained > limits_.depth_max * 4)
            fail(fmt::format("more than {} operators in a row", limits_.depth_max * 4));
        NodePtr node = make(Node::Kind::binary, left->begin);
        node->op = word->op;
        advance();
        if ((node->op == BinaryOp::less || node->op == BinaryOp::greater) && token_.is("/"))
            fail("</ and >/ trim native histograms, which are not supported");
        modifiers(*node);
        const bool right_associative = word->op == BinaryOp::power;
        NodePtr right = expression(right_associative ? word->precedence : word->precedence + 1);
        node->children.push_back(std::move(left));
        node->children.push_back(std::move(right));
        left = finish(std::move(node));
    }
    return left;
}

void Parser::modifiers(Node& node) {
    if (token_.is_word("bool")) {
        if (!is_comparison(node.op)) fail("bool modifier can only be used on comparison operators");
        node.return_bool = true;
        advance();
    }
    if (is_set_operator(node.op)) node.matching.cardinality = Matching::Cardinality::one_to_one;
    matching(node);
    fills(node);
}

void Parser::matching(Node& node) {
    const bool on = token_.is_word("on");
    if (!on && !token_.is_word("ignoring")) return;
    advance();
    node.matching.on = on;
    node.matching.labels = label_list();
    match_grouping(node, on);
}

void Parser::match_grouping(Node& node, bool on) {
    const bool left = token_.is_word("group_left");
    if (!left && !token_.is_word("group_right")) return;
    if (is_set_operator(node.op)) fail(fmt::format("no grouping allowed for \"{}\" operation", to_string(node.op)));
    advance();
    node.matching.cardinality = left ? Matching::Cardinality::many_to_one : Matching::Cardinality::one_to_many;
    if (token_.is("(")) node.matching.include = label_list();
    if (!on) return;
    for (const auto& label : node.matching.include)
        if (std::ranges::find(node.matching.labels, label) != node.matching.labels.end())
            fail(fmt::format("label \"{}\" must not occur in ON and GROUP clause at once", label));
}

void Parser::fills(Node& node) {
    for (;;) {
        const bool both = token_.is_word("fill"), left = token_.is_word("fill_left");
        if (!both && !left && !token_.is_word("fill_right")) return;
        if (!Lexer(lexer_).next().is("(")) return;
        const auto &other = left ? node.matching.fill_right : node.matching.fill_left,
                   &own = left ? node.matching.fill_left : node.matching.fill_right;
        if (own || (both && other)) fail(fmt::format("\"{}\" would fill in the same side twice", token_.raw));
        if (is_set_operator(node.op)) fail(fmt::format("filling in is not allowed for \"{}\"", to_string(node.op)));
        advance();
        advance();
        const bool negative = token_.is("-");
        if (negative || token_.is("+")) advance();
        if (token_.kind != Token::Kind::number && token_.kind != Token::Kind::duration)
            fail_token("the number that fills in");
        const double value = negative ? -token_.number : token_.number;
        advance();
        expect(")", "after the number that fills in");
        if (both || left) node.matching.fill_left = value;
        if (!left) node.matching.fill_right = value;
    }
}

Parser::NodePtr Parser::unary() {
    if (!token_.is("+") && !token_.is("-")) return postfix(primary());
    NodePtr node = make(Node::Kind::unary, token_.begin);
    node->negative = token_.is("-");
    advance();
    NodePtr operand = expression(precedence_unary);
    if (operand->kind == Node::Kind::number) {
        if (node->negative) operand->number = -operand->number;
        operand->begin = node->begin;
        return operand;
    }
    node->children.push_back(std::move(operand));
    return finish(std::move(node));
}

}  // namespace medic::promql
