// One `eval` of a script: what to evaluate, and what its result must be. Only for the script runner.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/labels.h"
#include "agent/base/result.h"
#include "agent/store/series.h"
#include "classifiers/rules/promql/engine.h"

namespace medic::script {

// "expect warn msg: …": what an annotation or an error must say. No text: any will do.
struct Remark {
    enum class Match : std::uint8_t { any, exact, regex };
    Match match = Match::any;
    std::string text;
    [[nodiscard]] bool agrees(std::string_view found) const;
};

struct RangeVector {
    std::int64_t start_ms = 0, end_ms = 0, step_ms = 1;
};

struct Evaluation {
    std::size_t line = 0;
    bool range = false;
    std::int64_t start_ms = 0, end_ms = 0, step_ms = 1;
    std::string expression;
    bool ordered = false, no_warnings = false, no_infos = false;
    std::vector<Remark> failures, warnings, infos;  // `failures` not empty: must fail.
    std::optional<std::string> text;                // A string in quotes.
    std::optional<RangeVector> range_vector;        // Times of a range selector's samples.
    std::vector<std::string> expected;              // Lines: series and values.

    // Takes the `eval …` line, and every line below it.
    [[nodiscard]] Status read_head(std::string_view line);
    [[nodiscard]] Status read_line(std::string_view written);

private:
    [[nodiscard]] Status read_expect(std::string_view rest);
};

// "" when all is as expected, otherwise what is not.
[[nodiscard]] std::string check(const Evaluation& evaluation, const SeriesStore& store);

// Whether one of the expression's selectors selects a series of this store.
[[nodiscard]] bool reads_from(std::string_view expression, const SeriesStore& store);

// Shared reading of lines.
[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::string_view take_word(std::string_view& text);
[[nodiscard]] Result<std::int64_t> parse_time_ms(std::string_view text);  // "5m", "300", "-10s", "1.5".

}  // namespace medic::script
