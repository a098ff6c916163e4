// Did the step work? Judged by facts observed after the act, against the baseline taken before it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/store/fact_book.h"
#include "remediations/planning/conditions.h"
#include "remediations/planning/plan.h"

namespace medic {

enum class Outcome : std::uint8_t { pending, healed, no_effect, worse, cannot_tell };
[[nodiscard]] std::string_view to_string(Outcome outcome);

struct VerificationQuestion {
    const Expectation* expectation = nullptr;
    const FactBook* book = nullptr;
    std::vector<Fact> baseline{};  // Of expectation->worse_if, as they were before the act.
    WallTime acted_at{}, now{};
    std::optional<WallTime> holds_since{};  // Since when the expectation holds, from the last verdict.
    std::optional<bool> cause_present{};    // nullopt: no report has come since the act.
};

struct Verification {
    Outcome outcome = Outcome::pending;
    std::string text{};  // For a person: what holds, what does not, what is not known.
    std::optional<WallTime> holds_since{};
    std::vector<Fact> facts{};  // What was read.
};

[[nodiscard]] Verification verify(const VerificationQuestion& question);

}  // namespace medic
