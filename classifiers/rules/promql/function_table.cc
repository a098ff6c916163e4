#include <algorithm>
#include <map>

#include "classifiers/rules/promql/functions_internal.h"

namespace medic::promql {
namespace {

constexpr auto S = ValueType::scalar, V = ValueType::vector, M = ValueType::matrix, T = ValueType::string;

using Table = std::map<std::string_view, Function>;

Table make_table() {
    Table table;
    const auto add = [&](FunctionId id, std::string_view name, ValueType result, std::vector<ValueType> arguments,
                         int optional = 0) {
        table.emplace(name, Function{name, result, std::move(arguments), optional, static_cast<std::uint8_t>(id)});
    };
    using F = FunctionId;
    for (const auto& [id, name] : std::initializer_list<std::pair<F, std::string_view>>{{F::abs, "abs"},
                                                                                        {F::acos, "acos"},
                                                                                        {F::acosh, "acosh"},
                                                                                        {F::asin, "asin"},
                                                                                        {F::asinh, "asinh"},
                                                                                        {F::atan, "atan"},
                                                                                        {F::atanh, "atanh"},
                                                                                        {F::ceil, "ceil"},
                                                                                        {F::cos, "cos"},
                                                                                        {F::cosh, "cosh"},
                                                                                        {F::deg, "deg"},
                                                                                        {F::exp, "exp"},
                                                                                        {F::floor, "floor"},
                                                                                        {F::ln, "ln"},
                                                                                        {F::log10, "log10"},
                                                                                        {F::log2, "log2"},
                                                                                        {F::rad, "rad"},
                                                                                        {F::sgn, "sgn"},
                                                                                        {F::sin, "sin"},
                                                                                        {F::sinh, "sinh"},
                                                                                        {F::sqrt, "sqrt"},
                                                                                        {F::tan, "tan"},
                                                                                        {F::tanh, "tanh"},
                                                                                        {F::sort, "sort"},
                                                                                        {F::sort_desc, "sort_desc"},
                                                                                        {F::timestamp, "timestamp"},
                                                                                        {F::absent, "absent"}})
        add(id, name, V, {V});
    for (const auto& [id, name] :
         std::initializer_list<std::pair<F, std::string_view>>{{F::days_in_month, "days_in_month"},
                                                               {F::day_of_month, "day_of_month"},
                                                               {F::day_of_week, "day_of_week"},
                                                               {F::day_of_year, "day_of_year"},
                                                               {F::hour, "hour"},
                                                               {F::minute, "minute"},
                                                               {F::month, "month"},
                                                               {F::year, "year"}})
        add(id, name, V, {V}, 1);
    for (const auto& [id, name] :
         std::initializer_list<std::pair<F, std::string_view>>{{F::avg_over_time, "avg_over_time"},
                                                               {F::changes, "changes"},
                                                               {F::count_over_time, "count_over_time"},
                                                               {F::delta, "delta"},
                                                               {F::deriv, "deriv"},
                                                               {F::first_over_time, "first_over_time"},
                                                               {F::idelta, "idelta"},
                                                               {F::increase, "increase"},
                                                               {F::irate, "irate"},
                                                               {F::last_over_time, "last_over_time"},
                                                               {F::mad_over_time, "mad_over_time"},
                                                               {F::max_over_time, "max_over_time"},
                                                               {F::min_over_time, "min_over_time"},
                                                               {F::present_over_time, "present_over_time"},
                                                               {F::rate, "rate"},
                                                               {F::resets, "resets"},
                                                               {F::stddev_over_time, "stddev_over_time"},
                                                               {F::stdvar_over_time, "stdvar_over_time"},
                                                               {F::sum_over_time, "sum_over_time"},
                                                               {F::absent_over_time, "absent_over_time"},
                                                               {F::ts_of_first_over_time, "ts_of_first_over_time"},
                                                               {F::ts_of_last_over_time, "ts_of_last_over_time"},
                                                               {F::ts_of_max_over_time, "ts_of_max_over_time"},
                                                               {F::ts_of_min_over_time, "ts_of_min_over_time"}})
        add(id, name, V, {M});
    add(F::round, "round", V, {V, S}, 1);
    add(F::clamp, "clamp", V, {V, S, S});
    add(F::clamp_min, "clamp_min", V, {V, S});
    add(F::clamp_max, "clamp_max", V, {V, S});
    add(F::double_exponential_smoothing, "double_exponential_smoothing", V, {M, S, S});
    add(F::double_exponential_smoothing, "holt_winters", V, {M, S, S});  // Its name until Prometheus 3.
    add(F::predict_linear, "predict_linear", V, {M, S});
    add(F::quantile_over_time, "quantile_over_time", V, {S, M});
    add(F::histogram_quantile, "histogram_quantile", V, {S, V});
    add(F::histogram_quantiles, "histogram_quantiles", V, {V, T, S, S}, -1);
    add(F::histogram_fraction, "histogram_fraction", V, {S, S, V});
    add(F::label_replace, "label_replace", V, {V, T, T, T, T});
    add(F::label_join, "label_join", V, {V, T, T, T}, -1);
    add(F::sort_by_label, "sort_by_label", V, {V, T}, -1);
    add(F::sort_by_label_desc, "sort_by_label_desc", V, {V, T}, -1);
    add(F::pi, "pi", S, {});
    add(F::start, "start", S, {});
    add(F::end, "end", S, {});
    add(F::range, "range", S, {});
    add(F::step, "step", S, {});
    add(F::max_of, "max_of", S, {S, S});
    add(F::min_of, "min_of", S, {S, S});
    add(F::time, "time", S, {});
    add(F::scalar, "scalar", S, {V});
    add(F::vector, "vector", V, {S});
    return table;
}

const Table& table() {
    static const Table functions = make_table();
    return functions;
}

}  // namespace

const Function* find_function(std::string_view name) {
    const auto found = table().find(name);
    return found == table().end() ? nullptr : &found->second;
}

std::string_view why_not_supported(std::string_view name) {
    for (const std::string_view native :
         {"histogram_avg", "histogram_count", "histogram_stddev", "histogram_stdvar", "histogram_sum"})
        if (name == native)
            return "reads native histograms, which are not supported: use the classic _bucket, _sum and _count series";
    for (const std::string_view experimental : {"info", "start_timestamp"})
        if (name == experimental) return "is experimental and not supported";
    return {};
}

std::string_view nearest_function(std::string_view name) {
    // Most slips are a wrong word of the name or a letter; a shared beginning tells enough.
    std::string_view best;
    std::size_t best_length = 2;
    for (const auto& [candidate, function] : table()) {
        const auto same = static_cast<std::size_t>(std::ranges::mismatch(candidate, name).in1 - candidate.begin());
        if (same <= best_length) continue;
        best = candidate;
        best_length = same;
    }
    return best;
}

}  // namespace medic::promql
