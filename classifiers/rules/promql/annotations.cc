#include "classifiers/rules/promql/evaluator_internal.h"

namespace medic::promql {
namespace {

std::string placed(std::string_view kind, std::string_view message, std::string_view text, const Node& at) {
    const auto [line, column] = line_and_column(text, at.begin);
    return fmt::format("PromQL {}: {} ({}:{})", kind, message, line, column);
}

}  // namespace

void Evaluator::warn(const Node& at, std::string_view message) {
    if (annotates()) warnings_.insert(placed("warning", message, text_, at));
}

void Evaluator::inform(const Node& at, std::string_view message) {
    if (annotates()) infos_.insert(placed("info", message, text_, at));
}

void Evaluator::check_quantile(const Node& at, double q) {
    if (!annotates() || (q >= 0 && q <= 1)) return;
    warn(at, fmt::format("quantile value should be between 0 and 1, got {}", format_general(q)));
}

// Counters are known by their names' ends; rate() of a gauge is a mistake that no value shows.
void Evaluator::check_counter_name(const Node& at, LabelsId labels) {
    if (!annotates()) return;
    const std::string_view name = engine_.labels_.metric_name(labels);
    if (name.empty()) return;
    for (const std::string_view end : {"_total", "_sum", "_count", "_bucket"})
        if (name.ends_with(end)) return;
    inform(at, fmt::format("metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {}",
                           quoted(name)));
}

}  // namespace medic::promql
