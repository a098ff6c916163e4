#include "classifiers/rules/promql/parser.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <re2/re2.h>

#include "classifiers/rules/promql/check_internal.h"
#include "classifiers/rules/promql/lexer.h"

namespace medic::promql {
namespace {

struct Failed {
    ParseError error;
};

using NodePtr = std::unique_ptr<Node>;

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

struct AggregateWord {
    std::string_view text;
    AggregateOp op;
    bool parameter;
};
constexpr AggregateWord aggregate_words[] = {
    {"sum", AggregateOp::sum, false},          {"avg", AggregateOp::avg, false},
    {"min", AggregateOp::min, false},          {"max", AggregateOp::max, false},
    {"count", AggregateOp::count, false},      {"group", AggregateOp::group, false},
    {"stddev", AggregateOp::stddev, false},    {"stdvar", AggregateOp::stdvar, false},
    {"topk", AggregateOp::topk, true},         {"bottomk", AggregateOp::bottomk, true},
    {"quantile", AggregateOp::quantile, true}, {"count_values", AggregateOp::count_values, true},
    {"limitk", AggregateOp::limitk, true},     {"limit_ratio", AggregateOp::limit_ratio, true},
};

class Parser {
public:
    Parser(std::string_view text, const ParseLimits& limits) : lexer_(text), limits_(limits) { advance(); }

    NodePtr whole() {
        if (token_.kind == Token::Kind::end) fail("no expression found in input");
        NodePtr root = expression(1);
        if (token_.kind != Token::Kind::end) fail_token("the end of the expression or an operator");
        return root;
    }

    NodePtr series() {
        NodePtr node = primary();
        if (node->kind != Node::Kind::selector || token_.kind != Token::Kind::end)
            fail("expected a series: name{label=\"value\"}");
        return node;
    }

private:
    // ---- words
    void advance() {
        last_end_ = token_.end;
        token_ = lexer_.next();
        if (token_.kind == Token::Kind::error) fail_at(token_.begin, token_.text);
    }
    bool accept(std::string_view symbol) {
        if (!token_.is(symbol)) return false;
        advance();
        return true;
    }
    void expect(std::string_view symbol, std::string_view context) {
        if (!accept(symbol)) fail_token(fmt::format("\"{}\" {}", symbol, context));
    }
    bool accept_word(std::string_view word) {
        if (!token_.is_word(word)) return false;
        advance();
        return true;
    }
    [[noreturn]] static void fail_at(std::uint32_t offset, std::string message) {
        throw Failed{{offset, std::move(message)}};
    }
    [[noreturn]] void fail(std::string message) const { fail_at(token_.begin, std::move(message)); }
    [[noreturn]] void fail_token(std::string_view expected) const {
        const std::string found = token_.kind == Token::Kind::end ? "the end" : fmt::format("\"{}\"", token_.raw);
        fail(fmt::format("expected {}, found {}", expected, found));
    }

    NodePtr make(Node::Kind kind, std::uint32_t begin) {
        if (++nodes_ > limits_.nodes_max)
            fail_at(begin, fmt::format("more than {} parts in one expression", limits_.nodes_max));
        auto node = std::make_unique<Node>();
        node->kind = kind;
        node->begin = begin;
        return node;
    }
    NodePtr finish(NodePtr node) {
        node->end = last_end_;
        if (auto error = check_node(*node)) throw Failed{*error};
        return node;
    }

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

    // ---- operators
    [[nodiscard]] const BinaryWord* binary_word() const {
        for (const auto& word : binary_words) {
            const bool is_name = word.text[0] >= 'a';
            if (is_name ? token_.is_word(word.text) : token_.is(word.text)) return &word;
        }
        return nullptr;
    }

    NodePtr expression(int precedence_min) {
        const Depth depth(*this);
        NodePtr left = unary();
        std::size_t chained = 0;
        while (const BinaryWord* const word = binary_word()) {
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

    void modifiers(Node& node) {
        if (token_.is_word("bool")) {
            if (!is_comparison(node.op)) fail("bool modifier can only be used on comparison operators");
            node.return_bool = true;
            advance();
        }
        if (is_set_operator(node.op)) node.matching.cardinality = Matching::Cardinality::one_to_one;
        matching(node);
        fills(node);
    }

    void matching(Node& node) {
        const bool on = token_.is_word("on");
        if (!on && !token_.is_word("ignoring")) return;
        advance();
        node.matching.on = on;
        node.matching.labels = label_list();
        match_grouping(node, on);
    }

    void match_grouping(Node& node, bool on) {
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

    // fill(0), fill_left(0), fill_right(0): what stands in for a side that has no match. Without a parenthesis the
    // words are metrics' names.
    void fills(Node& node) {
        for (;;) {
            const bool both = token_.is_word("fill"), left = token_.is_word("fill_left");
            if (!both && !left && !token_.is_word("fill_right")) return;
            if (!Lexer(lexer_).next().is("(")) return;
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

    std::vector<std::string> label_list() {
        std::vector<std::string> labels;
        expect("(", "before the list of labels");
        while (!token_.is(")")) {
            if (token_.kind == Token::Kind::string)
                labels.push_back(token_.text);
            else if (token_.kind == Token::Kind::identifier && token_.raw.find(':') == std::string_view::npos)
                labels.emplace_back(token_.raw);
            else
                fail_token("a label's name");
            advance();
            if (!accept(",") && !token_.is(")")) fail_token("\",\" or \")\" in the list of labels");
        }
        advance();
        return labels;
    }

    NodePtr unary() {
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

    // ---- what stands by itself
    NodePtr primary() {
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

    NodePtr named() {
        const Token name = token_;
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

    NodePtr call(const Token& name) {
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

    void arguments(Node& node) {
        expect("(", "before the arguments");
        while (!token_.is(")")) {
            node.children.push_back(expression(1));
            if (token_.is(")")) break;
            expect(",", "or \")\" after the argument");
            if (token_.is(")")) fail("trailing commas not allowed in function call args");
        }
        advance();
    }

    NodePtr aggregate(const Token& name, const AggregateWord& word) {
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

    bool grouping(Node& node) {
        if (!token_.is_word("by") && !token_.is_word("without")) return false;
        node.without = token_.is_word("without");
        advance();
        node.grouping = label_list();
        return true;
    }

    void matchers(Node& node) {
        expect("{", "before the matchers");
        while (!token_.is("}")) {
            LabelMatcher matcher;
            const bool quoted = token_.kind == Token::Kind::string;
            if (quoted)
                matcher.label = token_.text;
            else if (token_.kind == Token::Kind::identifier && token_.raw.find(':') == std::string_view::npos)
                matcher.label = token_.raw;
            else
                fail_token("a label's name or \"}\"");
            const std::uint32_t begin = token_.begin;
            advance();
            if (quoted && (token_.is(",") || token_.is("}"))) {
                if (!node.text.empty())
                    fail_at(begin, fmt::format("metric name must not be set twice: \"{}\" or \"{}\"", node.text,
                                               matcher.label));
                node.text = matcher.label;
                matcher = {"__name__", LabelMatcher::Op::equal, node.text};
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

    LabelMatcher::Op match_op() {
        using Op = LabelMatcher::Op;
        for (const auto& [symbol, op] :
             {std::pair{"=", Op::equal}, {"!=", Op::not_equal}, {"=~", Op::matches}, {"!~", Op::not_matches}})
            if (accept(symbol)) return op;
        fail_token("=, !=, =~ or !~ after the label's name");
    }

    void check_regex(const LabelMatcher& matcher) const {
        if (matcher.op != LabelMatcher::Op::matches && matcher.op != LabelMatcher::Op::not_matches) return;
        const RE2 regex(matcher.value, RE2::Quiet);
        if (!regex.ok()) fail(fmt::format("bad regular expression \"{}\": {}", matcher.value, regex.error()));
    }

    // ---- what stands behind: [range], [range:step], offset, @
    NodePtr postfix(NodePtr node) {
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

    // A number of seconds or a duration, or arithmetic on them. Behind `offset` only what stands in parentheses.
    enum class DurationPlace : std::uint8_t { brackets, offset };

    void duration(DurationPlace place, Duration& fixed, NodePtr& expression_of) {
        const std::uint32_t begin = token_.begin;
        const bool plain = token_.kind == Token::Kind::number || token_.kind == Token::Kind::duration ||
                           token_.kind == Token::Kind::identifier || token_.is("(") || token_.is("-") || token_.is("+");
        if (!plain) fail_token("a duration such as 5m");
        ++in_duration_;
        NodePtr node = place == DurationPlace::brackets ? expression(1) : signed_primary();
        --in_duration_;
        std::optional<ParseError> problem;
        const auto seconds = constant_duration(*node, problem);
        if (problem) throw Failed{*problem};
        if (!seconds) {
            expression_of = std::move(node);
            return;
        }
        constexpr double seconds_max = 9e12;  // Within int64 milliseconds.
        if (!(std::abs(*seconds) < seconds_max)) fail_at(begin, "duration out of range");
        fixed = Duration{std::llround(*seconds * 1000)};
        if (place == DurationPlace::brackets && fixed.count() <= 0) fail_at(begin, "duration must be greater than 0");
    }

    NodePtr signed_primary() {
        if (!token_.is("-") && !token_.is("+")) return primary();
        NodePtr node = make(Node::Kind::unary, token_.begin);
        node->negative = token_.is("-");
        advance();
        node->children.push_back(primary());
        return finish(std::move(node));
    }

    NodePtr bracket(NodePtr inner) {
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
            if (!token_.is("]")) duration(DurationPlace::brackets, node->step, node->step_of);
            expect("]", "after the subquery's step");
            node->children.push_back(std::move(inner));
            return finish(std::move(node));
        }
        expect("]", "after the range");
        if (inner->kind != Node::Kind::selector) fail_at(opening, "ranges only allowed for vector selectors");
        if (inner->offset.count() != 0 || inner->offset_of)
            fail_at(opening, "no offset modifiers allowed before range");
        if (inner->at) fail_at(opening, "no @ modifiers allowed before range");
        inner->kind = Node::Kind::matrix;
        inner->range = range;
        inner->range_of = std::move(range_of);
        return finish(std::move(inner));
    }

    static bool takes_modifiers(const Node& node) {
        return node.kind == Node::Kind::selector || node.kind == Node::Kind::matrix ||
               node.kind == Node::Kind::subquery;
    }

    void offset(Node& node) {
        if (!takes_modifiers(node))
            fail(
                "offset modifier must be preceded by an instant vector selector or range vector selector or a "
                "subquery");
        if (node.offset.count() != 0 || node.offset_of) fail("offset may not be set multiple times");
        advance();
        duration(DurationPlace::offset, node.offset, node.offset_of);
    }

    void at(Node& node) {
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

    Lexer lexer_;
    const ParseLimits& limits_;
    Token token_;
    std::uint32_t last_end_ = 0;
    std::size_t nodes_ = 0, depth_ = 0, in_duration_ = 0;
};

}  // namespace

Parsed parse(std::string_view text, const ParseLimits& limits) {
    Parsed result;
    if (text.size() > limits.bytes_max) {
        result.error = {0,
                        fmt::format("the expression has {} bytes, at most {} are read", text.size(), limits.bytes_max)};
        return result;
    }
    try {
        NodePtr root = Parser(text, limits).whole();
        result.root = std::move(root);
    } catch (Failed& failed) {
        result.error = std::move(failed.error);
    }
    return result;
}

Result<Labels> parse_series(std::string_view text) {
    try {
        const NodePtr node = Parser(text, {}).series();
        std::vector<LabelPair> labels;
        for (const auto& matcher : node->matchers) {
            if (matcher.op != LabelMatcher::Op::equal)
                return fail(ErrorCode::invalid, "expected a series with = only: {}", text);
            labels.emplace_back(matcher.label, matcher.value);
        }
        return Labels({}, std::move(labels));
    } catch (const Failed& failed) {
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
