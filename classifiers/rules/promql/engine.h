// Evaluates PromQL over a SeriesStore, as Prometheus 3 does: left-open windows, 5 minutes of lookback, stale markers.
// Unlike a Prometheus 3 without flags:
//  - names are dropped at the end of an evaluation (its flag promql-delayed-name-removal), not by each function:
//    sum by (__name__) (rate(x[5m])) still groups by the name;
//  - experimental functions, durations and fill() are read; anchored, smoothed, info() and native histograms never are;
//  - labels stay as a page writes them: le="1", where Prometheus 3 stores le="1.0";
//  - a scrape that fails marks nothing stale: what it last read counts for the lookback. Prometheus marks all of it.
// An expression is compiled once; what its selectors find is remembered until the store gains or loses a series.
// Used by the rule engine, rule tests and `medic rules`; on the ingest thread only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/store/series.h"
#include "classifiers/rules/promql/ast.h"
#include "classifiers/rules/promql/label_table.h"
#include "classifiers/rules/promql/parser.h"

namespace medic::promql {

// Whether a window holds a sample that is exactly as old as it is long. Prometheus counted it until version 2. Closed
// windows have rates as Prometheus had them until 2.50: extrapolated to where a counter that begins inside the window
// would have been zero, unless that is further off than a sample could be.
enum class Windows : std::uint8_t { left_open, closed };

struct EngineOptions {
    Duration lookback{5 * 60'000};         // Prometheus's query.lookback-delta.
    Duration subquery_step{60'000};        // Of [5m:] (Prometheus: the global evaluation interval, default 1m).
    std::size_t samples_max = 20'000'000;  // Read by one evaluation.
    std::size_t series_max = 200'000;      // In any intermediate result.
    std::size_t steps_max = 11'000;        // Of one subquery (as Prometheus's range queries).
    std::size_t label_sets_max = 500'000;  // Remembered; over it the tables start afresh.
    Windows windows = Windows::left_open;
    bool annotate = false;  // Fill Value::warnings and infos: for authors of rules, too dear for standing queries.
};

// A function that drops a series' name only marks it, so that label_replace can still read the name; the mark is obeyed
// at the end of an evaluation.
struct VectorSample {
    LabelsId labels = 0;
    double value = 0;
    bool drop_name = false;
};

struct MatrixSeries {
    LabelsId labels = 0;
    std::vector<Sample> samples;
    bool drop_name = false;
};

struct Value {
    ValueType type = ValueType::scalar;
    double scalar = 0;
    std::string text;
    std::vector<VectorSample> vector;
    std::vector<MatrixSeries> matrix;
    // "PromQL warning: … (line:column)": what gives a result that is seldom meant. Only with EngineOptions::annotate.
    std::vector<std::string> warnings, infos;
};

// The time that `@ start()` and `@ end()` mean; an instant query has both at its own time and no step.
struct QueryRange {
    std::int64_t start_ms = 0, end_ms = 0, step_ms = 0;
};

class Expression {
public:
    Expression() = default;
    [[nodiscard]] const Node& root() const { return *root_; }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    friend class Engine;
    std::string text_;
    std::unique_ptr<Node> root_;
};

class Engine {
public:
    explicit Engine(EngineOptions options = {});

    // Errors read "line:column: message". An Expression belongs to the engine that compiled it.
    [[nodiscard]] Result<Expression> compile(std::string_view text);

    // Ids in the value are good until the next evaluate().
    [[nodiscard]] Result<Value> evaluate(const Expression& expression, const SeriesStore& store, WallTime at);
    [[nodiscard]] Result<Value> evaluate(const Expression& expression, const SeriesStore& store, WallTime at,
                                         QueryRange range);

    // Whether any series that the expression reads has a sample now, of those that agree with `labels` where both have
    // a label. Tells "no longer true" from "no longer known".
    [[nodiscard]] bool any_sample(const Expression& expression, const SeriesStore& store, WallTime at,
                                  const Labels& labels);

    [[nodiscard]] const LabelTable& labels() const { return labels_; }
    [[nodiscard]] std::uint64_t samples_read() const { return samples_read_; }  // Since the start, for cost.

private:
    friend class Evaluator;
    struct Selected {
        SeriesId id = 0;
        LabelsId labels = 0;
    };
    struct Selection {
        std::vector<LabelMatcher> matchers;
        std::uint64_t generation = 0;  // Of the store when `series` was found; 0: never.
        std::vector<Selected> series;
    };

    void prepare(Node& node);
    const std::vector<Selected>& select(std::uint32_t slot, const SeriesStore& store);
    void forget_labels();
    bool any_sample(const Node& node, const SeriesStore& store, WallTime at, const Labels& labels);

    EngineOptions options_;
    LabelTable labels_;
    std::vector<Selection> selections_;   // Shared by all expressions with the same matchers.
    const SeriesStore* store_ = nullptr;  // Whose ids the selections hold.
    std::uint64_t samples_read_ = 0;
};

}  // namespace medic::promql
