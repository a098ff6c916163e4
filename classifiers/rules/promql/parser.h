// PromQL's grammar: text to a checked tree, with the place of every error. Depth and size are bounded.
#pragma once

#include "agent/base/result.h"
#include "classifiers/rules/promql/ast.h"

namespace medic::promql {

struct ParseError {
    std::uint32_t offset = 0;  // Byte of the text, from 0.
    std::string message;       // What was expected.
};

struct ParseLimits {
    std::size_t bytes_max = 64 * 1024;
    std::size_t depth_max = 64;
    std::size_t nodes_max = 4'096;
};

struct Parsed {
    std::unique_ptr<Node> root;  // nullptr: `error` says why.
    ParseError error;
};

[[nodiscard]] Parsed parse(std::string_view text, const ParseLimits& limits = {});

// "name{a="b"}" as in promtool's series: a metric with labels, nothing else.
[[nodiscard]] Result<Labels> parse_series(std::string_view text);

// "line:column" from 1, of a byte of the text.
[[nodiscard]] std::pair<int, int> line_and_column(std::string_view text, std::uint32_t offset);

// The expression in one line: selectors, modifiers and parentheses as Prometheus prints them, but matchers in their own
// order, and constant durations and numbers such as 5m worked out.
[[nodiscard]] std::string to_string(const Node& node);

}  // namespace medic::promql
