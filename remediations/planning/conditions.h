// Evaluates conditions against the fact book. Three-valued: what is not known is neither true nor false.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "agent/store/fact_book.h"
#include "remediations/planning/plan.h"

namespace medic {

enum class Truth : std::uint8_t { no, yes, unknown };

struct ConditionContext {
    WallTime now{};
    Duration age_max{15'000};  // Older facts are unknown. Three looks of the default 5 s interval.
    WallTime since{};          // Facts observed at or before this moment don't count (0: all count).
};

[[nodiscard]] Truth holds(const Condition& condition, const FactBook& book, const ConditionContext& context);

// yes: all hold (also when empty); no: one is known not to hold; else unknown. `why` names the first that does not
// hold.
struct AllHold {
    Truth truth = Truth::yes;
    std::string why{};
};
[[nodiscard]] AllHold all_hold(std::span<const Condition> conditions, const FactBook& book,
                               const ConditionContext& context);

// The whole of what a step hopes for. Of `any` one that holds is enough; where none does, those that are known decide.
[[nodiscard]] AllHold as_expected(const Expectation& expectation, const FactBook& book,
                                  const ConditionContext& context);

// The facts that a condition list reads, as they are now (unknown ones included): what a decision records.
[[nodiscard]] std::vector<Fact> read_facts(std::span<const Condition> conditions, const FactBook& book);

// Short makers, for remedies and tests.
[[nodiscard]] Condition equals(Subject subject, std::string name, double value);
[[nodiscard]] Condition at_least(Subject subject, std::string name, double value);
[[nodiscard]] Condition at_most(Subject subject, std::string name, double value);
[[nodiscard]] Condition text_in(Subject subject, std::string name, std::vector<std::string> texts);
[[nodiscard]] Condition text_not_in(Subject subject, std::string name, std::vector<std::string> texts);
[[nodiscard]] Condition progressing(Subject subject, std::string name);
[[nodiscard]] Condition rate_at_least(Subject subject, std::string name, double per_second);

}  // namespace medic
