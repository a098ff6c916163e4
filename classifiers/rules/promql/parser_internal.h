// One reading of one expression, by recursive descent: each function reads one construct of the grammar from the
// current word on and leaves the first word behind it. Only for parse() and parse_series().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "classifiers/rules/promql/lexer.h"
#include "classifiers/rules/promql/parser.h"

namespace medic::promql {

// Ends a reading; parse() turns it into its error.
struct ParseFailure {
    ParseError error;
};

struct AggregateWord;  // sum, topk and so on: parse_operand.cc.

class Parser {
public:
    Parser(std::string_view text, const ParseLimits& limits) : lexer_(text), limits_(limits) { advance(); }

    std::unique_ptr<Node> whole();
    std::unique_ptr<Node> series();

private:
    using NodePtr = std::unique_ptr<Node>;

    // ---- words
    void advance();
    bool accept(std::string_view symbol);
    void expect(std::string_view symbol, std::string_view context);
    [[noreturn]] static void fail_at(std::uint32_t offset, std::string message);
    [[noreturn]] void fail(std::string message) const;
    [[noreturn]] void fail_token(std::string_view expected) const;

    NodePtr make(Node::Kind kind, std::uint32_t begin);
    NodePtr finish(NodePtr node);

    struct Depth {
        explicit Depth(Parser& of) : parser(of) {
            if (++parser.depth_ > parser.limits_.depth_max)
                parser.fail(fmt::format("nested deeper than {} levels", parser.limits_.depth_max));
        }
        ~Depth() { --parser.depth_; }
        Depth(const Depth&) = delete;
        Depth& operator=(const Depth&) = delete;
        Parser& parser;
    };

    // ---- operators (parse_binary.cc)
    NodePtr expression(int precedence_min);
    void modifiers(Node& node);
    void matching(Node& node);
    void match_grouping(Node& node, bool on);
    // fill(0), fill_left(0), fill_right(0): what stands in for a side that has no match. Without a parenthesis the
    // words are metrics' names.
    void fills(Node& node);
    NodePtr unary();

    // ---- what stands by itself (parse_operand.cc)
    NodePtr primary();
    NodePtr named();
    NodePtr call(const Token& name);
    void arguments(Node& node);
    NodePtr aggregate(const Token& name, const AggregateWord& word);
    bool grouping(Node& node);
    std::vector<std::string> label_list();
    void matchers(Node& node);
    LabelMatcher::Op match_op();
    void check_regex(const LabelMatcher& matcher) const;

    // ---- what stands behind: [range], [range:step], offset, @ (parse_range.cc)
    NodePtr postfix(NodePtr node);
    // A number of seconds or a duration, or arithmetic on them. Behind `offset` only what stands in parentheses.
    enum class DurationPlace : std::uint8_t { brackets, offset };
    void duration(DurationPlace place, Duration& fixed, NodePtr& expression_of);
    NodePtr signed_primary();
    NodePtr bracket(NodePtr inner);
    void offset(Node& node);
    void at(Node& node);

    Lexer lexer_;
    const ParseLimits& limits_;
    Token token_;
    std::uint32_t last_end_ = 0;
    std::size_t nodes_ = 0, depth_ = 0, in_duration_ = 0;
};

}  // namespace medic::promql
