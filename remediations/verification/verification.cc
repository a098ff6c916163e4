#include "remediations/verification/verification.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace medic {
namespace {

// A condition that held before the act can't show that the act made things worse.
bool held_before(const Condition& condition, const std::vector<Fact>& baseline) {
    FactBook before;
    WallTime newest;
    for (const auto& fact : baseline) {
        before.record(fact, fact.observed_at);
        newest = std::max(newest, fact.observed_at);
    }
    return holds(condition, before, {.now = newest, .age_max = Duration{3'600'000}, .since = {}}) == Truth::yes;
}

}  // namespace

std::string_view to_string(Outcome outcome) {
    switch (outcome) {
        case Outcome::pending: return "pending";
        case Outcome::healed: return "healed";
        case Outcome::no_effect: return "no_effect";
        case Outcome::worse: return "worse";
        case Outcome::cannot_tell: return "cannot_tell";
    }
    return "cannot_tell";
}

Verification verify(const VerificationQuestion& question) {
    const Expectation& expectation = *question.expectation;
    const ConditionContext context{.now = question.now, .since = question.acted_at};
    Verification result;
    result.facts = read_facts(expectation.all, *question.book);
    std::ranges::copy(read_facts(expectation.any, *question.book), std::back_inserter(result.facts));
    for (const auto& bad : expectation.worse_if)
        if (holds(bad, *question.book, context) == Truth::yes && !held_before(bad, question.baseline)) {
            result.outcome = Outcome::worse;
            result.text = "worse than before: " + describe(bad);
            return result;
        }
    const ConditionContext later{.now = question.now, .since = question.acted_at + in_vain_after};
    for (const auto& sign : expectation.in_vain_if)
        if (holds(sign, *question.book, later) == Truth::yes) {
            result.outcome = Outcome::no_effect;
            result.text = "in vain: " + describe(sign);
            return result;
        }
    AllHold now = as_expected(expectation, *question.book, context);
    if (now.truth == Truth::yes && expectation.cause_gone) {
        if (!question.cause_present)
            now = {Truth::unknown, "no look at the cause since"};
        else if (*question.cause_present)
            now = {Truth::no, "the cause is still reported"};
    }
    if (now.truth == Truth::yes) {
        result.holds_since = question.holds_since.value_or(question.now);
        if (question.now - *result.holds_since >= expectation.stable_for) {
            result.outcome = Outcome::healed;
            result.text = "as expected: " + describe(expectation.all.front());
            return result;
        }
    }
    const Duration limit = expectation.within + (result.holds_since ? expectation.stable_for : Duration{0});
    if (question.now - question.acted_at < limit) {
        result.text = now.truth == Truth::yes ? "holds, not yet for long enough" : now.why;
        return result;
    }
    result.outcome = now.truth == Truth::unknown ? Outcome::cannot_tell : Outcome::no_effect;
    result.text = fmt::format("after {} s {}", (question.now - question.acted_at).count() / 1000,
                              now.truth == Truth::yes ? "it did not hold for long enough" : now.why);
    return result;
}

}  // namespace medic
