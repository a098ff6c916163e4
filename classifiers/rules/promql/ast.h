// A parsed PromQL expression. Made by parse() (parser.h), read by the evaluator and `medic rules explain`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.h"
#include "agent/store/series.h"

namespace medic::promql {

enum class ValueType : std::uint8_t { scalar, vector, matrix, string };
[[nodiscard]] std::string_view to_string(ValueType type);  // "instant vector", …

enum class BinaryOp : std::uint8_t {
    add,
    subtract,
    multiply,
    divide,
    modulo,
    power,
    atan2,
    equal,
    not_equal,
    greater,
    less,
    greater_equal,
    less_equal,
    logical_and,
    logical_or,
    unless,
};
[[nodiscard]] std::string_view to_string(BinaryOp op);
[[nodiscard]] constexpr bool is_comparison(BinaryOp op) { return op >= BinaryOp::equal && op <= BinaryOp::less_equal; }
[[nodiscard]] constexpr bool is_set_operator(BinaryOp op) { return op >= BinaryOp::logical_and; }

enum class AggregateOp : std::uint8_t {
    sum,
    avg,
    min,
    max,
    count,
    group,
    stddev,
    stdvar,
    topk,
    bottomk,
    quantile,
    count_values,
    limitk,
    limit_ratio,
};
[[nodiscard]] std::string_view to_string(AggregateOp op);

// How the two sides of a binary operator find each other.
struct Matching {
    enum class Cardinality : std::uint8_t { one_to_one, many_to_one, one_to_many };
    Cardinality cardinality = Cardinality::one_to_one;
    bool on = false;  // Otherwise ignoring.
    std::vector<std::string> labels;
    std::vector<std::string> include;             // group_left(…), group_right(…)
    std::optional<double> fill_left, fill_right;  // What stands in for a side that has no match.
};

struct AtModifier {
    enum class Kind : std::uint8_t { time, start, end };
    Kind kind = Kind::time;
    std::int64_t at_ms = 0;
};

struct Function;

struct Node {
    enum class Kind : std::uint8_t {
        number,
        string,
        selector,
        matrix,
        subquery,
        call,
        aggregate,
        binary,
        unary,
        paren
    };

    Kind kind = Kind::number;
    ValueType type = ValueType::scalar;
    std::uint32_t begin = 0, end = 0;  // Bytes of the text.
    std::vector<std::unique_ptr<Node>> children;

    double number = 0;
    std::string text;  // A string's value; a call's or selector's name.

    std::vector<LabelMatcher> matchers;  // selector, matrix
    Duration offset{0};                  // selector, matrix, subquery
    std::optional<AtModifier> at;
    Duration range{0};  // matrix, subquery
    Duration step{0};   // subquery; 0: the default.
    // In place of the three above where they hang on the query: [2 * step()].
    std::unique_ptr<Node> range_of, step_of, offset_of;

    const Function* function = nullptr;

    AggregateOp aggregate = AggregateOp::sum;
    bool without = false;
    std::vector<std::string> grouping;  // An aggregate's parameter is children[0] and its operand the last child.

    BinaryOp op = BinaryOp::add;
    bool return_bool = false;
    bool negative = false;  // unary
    Matching matching;

    std::uint32_t slot = 0;         // The evaluator's place for what it remembers about this node; set by Engine.
    std::uint32_t list = 0;         // LabelListId that groups or matches series; set by Engine.
    std::uint32_t result_list = 0;  // LabelListId of a one-to-one result; set by Engine.
};

struct Function {
    std::string_view name;
    ValueType result = ValueType::vector;
    std::vector<ValueType> arguments;
    // Arguments that may be left out at the end; -1: the last may be repeated without limit, or left out.
    int optional = 0;
    std::uint8_t id = 0;
};

// nullptr when there is no such function.
[[nodiscard]] const Function* find_function(std::string_view name);
// Why a function that Prometheus knows is not in the table; "" otherwise.
[[nodiscard]] std::string_view why_not_supported(std::string_view name);
[[nodiscard]] std::string_view nearest_function(std::string_view name);  // "" when none is near.

}  // namespace medic::promql
