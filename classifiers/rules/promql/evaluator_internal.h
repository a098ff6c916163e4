// One evaluation of one expression. Only for Engine.
#pragma once

#include <functional>
#include <set>
#include <span>

#include "classifiers/rules/promql/engine.h"
#include "classifiers/rules/promql/functions_internal.h"
#include "classifiers/rules/promql/text.h"

namespace medic::promql {

// Ends an evaluation; Engine::evaluate turns it into an Error.
struct EvaluationError {
    std::string message;
};

template <class... Args>
[[noreturn]] void raise(fmt::format_string<Args...> format, Args&&... args) {
    throw EvaluationError{fmt::format(format, std::forward<Args>(args)...)};
}

// A map from label sets to numbers that is emptied at no cost: ids are small and dense.
class LabelsMap {
public:
    void start(std::size_t sets) {
        if (marks_.size() < sets) {
            marks_.resize(sets + sets / 2, 0);
            values_.resize(marks_.size());
        }
        ++mark_;
    }
    // The number under `id`, made as `fresh` when there is none.
    std::pair<std::uint32_t&, bool> put(LabelsId id, std::uint32_t fresh) {
        if (id >= marks_.size()) {
            marks_.resize(id + id / 2 + 64, 0);
            values_.resize(marks_.size());
        }
        if (marks_[id] == mark_) return {values_[id], false};
        marks_[id] = mark_;
        values_[id] = fresh;
        return {values_[id], true};
    }
    [[nodiscard]] const std::uint32_t* find(LabelsId id) const {
        return id < marks_.size() && marks_[id] == mark_ ? &values_[id] : nullptr;
    }

private:
    std::vector<std::uint64_t> marks_;
    std::vector<std::uint32_t> values_;
    std::uint64_t mark_ = 0;
};

class Evaluator {
public:
    using Vector = std::vector<VectorSample>;

    Evaluator(Engine& engine, const SeriesStore& store, QueryRange range, std::string_view text)
        : engine_(engine), store_(store), range_(range), text_(text) {}

    Value value(const Node& node, std::int64_t at_ms);

private:
    struct RangeSeries {
        LabelsId labels = 0;
        bool drop_name = false;
    };
    using OnSeries = std::function<void(const RangeSeries&, const RangeArguments&)>;

    Vector vector(const Node& node, std::int64_t at_ms);
    double scalar(const Node& node, std::int64_t at_ms);
    Vector selector(const Node& node, std::int64_t at_ms, bool times);
    // Calls on() for each series of a range selector or subquery that has samples.
    void each_series(const Node& node, std::int64_t at_ms, const OnSeries& on);
    void each_of_subquery(const Node& node, std::int64_t at_ms, const OnSeries& on);
    [[nodiscard]] std::int64_t effective_time(const Node& node, std::int64_t at_ms);
    enum class DurationSign : std::uint8_t { any, positive };
    [[nodiscard]] Duration duration(Duration fixed, const std::unique_ptr<Node>& expression, std::int64_t at_ms,
                                    DurationSign sign);

    Vector call(const Node& node, std::int64_t at_ms);
    Vector value_call(const Node& node, FunctionId id, std::int64_t at_ms);
    Vector range_call(const Node& node, FunctionId id, std::int64_t at_ms);
    Vector absent(const Node& node, FunctionId id, std::int64_t at_ms);
    Vector histogram(const Node& node, FunctionId id, std::int64_t at_ms);
    struct Histogram {
        LabelsId labels = 0;
        std::vector<Bucket> buckets;
    };
    std::vector<Histogram> classic_histograms(const Node& node, std::int64_t at_ms);
    Vector histogram_quantiles(const Node& node, std::int64_t at_ms);
    double quantile_of(const Node& input, double q, Histogram& histogram, std::int64_t at_ms);
    Vector label_replace(const Node& node, std::int64_t at_ms);
    Vector label_join(const Node& node, std::int64_t at_ms);
    Vector sorted(const Node& node, FunctionId id, std::int64_t at_ms);

    Vector aggregate(const Node& node, std::int64_t at_ms);
    Vector aggregate_values(const Node& node, const Vector& input, double parameter);
    Vector pick(const Node& node, const Vector& input, double parameter);
    void check_parameter(const Node& node, double parameter);
    Vector count_values(const Node& node, const Vector& input);
    [[nodiscard]] LabelsId group_of(const Node& node, LabelsId labels);

    Vector binary(const Node& node, std::int64_t at_ms);
    Vector binary_scalar(const Node& node, Vector vector, double scalar, bool scalar_left);
    Vector binary_vectors(const Node& node, const Vector& left, const Vector& right);
    struct Match;
    void index_one_side(const Match& match);  // Into map_.
    void join(Match& match, const VectorSample& many, const VectorSample& one, std::uint32_t place);
    std::uint32_t place_of_filled(Match& match, LabelsId key);
    [[nodiscard]] std::string label_text(LabelsId labels) const;  // {a="b", c="d"}
    Vector set_operation(const Node& node, const Vector& left, const Vector& right);
    [[nodiscard]] LabelsId result_labels(const Node& node, const VectorSample& many, LabelsId one);
    [[nodiscard]] LabelsId signature(const Node& node, LabelsId labels);

    [[nodiscard]] bool closed_windows() const { return engine_.options_.windows == Windows::closed; }
    // How much further back a closed window reaches.
    [[nodiscard]] Duration closed_by() const { return Duration{closed_windows() ? 1 : 0}; }
    [[nodiscard]] bool annotates() const { return engine_.options_.annotate; }
    // `at`: what the remark is about; its place goes into the text.
    void warn(const Node& at, std::string_view message);
    void inform(const Node& at, std::string_view message);
    void check_quantile(const Node& at, double q);
    void check_counter_name(const Node& at, LabelsId labels);

    // Obeys drop_name.
    void drop_names(Vector& vector);
    void check_unique(const Vector& vector);
    void count_samples(std::size_t count);
    void check_size(std::size_t series) const;

    Engine& engine_;
    const SeriesStore& store_;
    QueryRange range_;
    std::string_view text_;
    std::set<std::string> warnings_, infos_;
    std::size_t samples_ = 0;
    LabelsMap map_, joined_, filled_;
    std::vector<Sample> buffer_;
};

[[nodiscard]] inline const Node& without_parens(const Node& node) {
    const Node* inner = &node;
    while (inner->kind == Node::Kind::paren) inner = inner->children[0].get();
    return *inner;
}

}  // namespace medic::promql
