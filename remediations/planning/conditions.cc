#include "remediations/planning/conditions.h"

#include <algorithm>

#include <fmt/ranges.h>

namespace medic {
namespace {

Truth truth(bool value) { return value ? Truth::yes : Truth::no; }

Truth of_optional(const std::optional<bool>& value) { return value ? truth(*value) : Truth::unknown; }

Truth compare(const Condition& condition, const Fact& fact) {
    using Is = Condition::Is;
    switch (condition.is) {
        case Is::text_in:
        case Is::text_not_in: {
            if (fact.text.empty()) return Truth::unknown;
            const bool in = std::ranges::find(condition.texts, fact.text) != condition.texts.end();
            return truth(in == (condition.is == Is::text_in));
        }
        case Is::text_known: return fact.text.empty() ? Truth::unknown : Truth::yes;
        default: break;
    }
    if (!fact.value) return Truth::unknown;
    switch (condition.is) {
        case Is::equal: return truth(*fact.value == condition.value);
        case Is::not_equal: return truth(*fact.value != condition.value);
        case Is::at_least: return truth(*fact.value >= condition.value);
        case Is::at_most: return truth(*fact.value <= condition.value);
        default: return Truth::unknown;
    }
}

Condition make(Subject subject, std::string name, Condition::Is is, double value, std::vector<std::string> texts = {}) {
    return {.fact = {std::move(subject), std::move(name)}, .is = is, .value = value, .texts = std::move(texts)};
}

}  // namespace

std::string_view to_string(Risk risk) {
    switch (risk) {
        case Risk::reversible: return "reversible";
        case Risk::disruptive: return "disruptive";
        case Risk::destructive: return "destructive";
    }
    return "destructive";
}

std::string_view to_string(Destroys destroys) {
    switch (destroys) {
        case Destroys::nothing: return "nothing";
        case Destroys::availability: return "availability";
        case Destroys::data: return "data";
    }
    return "data";
}

std::string describe(const Condition& condition) {
    using Is = Condition::Is;
    const auto what =
        fmt::format("{}/{} {}", condition.fact.subject.kind, condition.fact.subject.name, condition.fact.name);
    switch (condition.is) {
        case Is::equal: return fmt::format("{} = {}", what, condition.value);
        case Is::not_equal: return fmt::format("{} ≠ {}", what, condition.value);
        case Is::at_least: return fmt::format("{} ≥ {}", what, condition.value);
        case Is::at_most: return fmt::format("{} ≤ {}", what, condition.value);
        case Is::text_in: return fmt::format("{} is {}", what, fmt::join(condition.texts, " or "));
        case Is::text_not_in: return fmt::format("{} is not {}", what, fmt::join(condition.texts, " or "));
        case Is::text_known: return fmt::format("{} is known", what);
        case Is::progressing: return fmt::format("{} rises", what);
        case Is::rate_at_least: return fmt::format("{} rises by ≥ {}/s", what, condition.value);
    }
    return what;
}

Truth holds(const Condition& condition, const FactBook& book, const ConditionContext& context) {
    const Fact* fact = book.fresh(condition.fact, context.now, context.age_max);
    if (fact == nullptr) return Truth::unknown;
    if (context.since.unix_ms != 0 && fact->observed_at <= context.since) return Truth::unknown;
    if (condition.is == Condition::Is::progressing) return of_optional(book.rose_since(condition.fact, context.since));
    if (condition.is == Condition::Is::rate_at_least) {
        const auto rate = book.rate_since(condition.fact, context.since);
        return rate ? truth(*rate >= condition.value) : Truth::unknown;
    }
    return compare(condition, *fact);
}

AllHold all_hold(std::span<const Condition> conditions, const FactBook& book, const ConditionContext& context) {
    AllHold result;
    for (const auto& condition : conditions) {
        const Truth one = holds(condition, book, context);
        if (one == Truth::yes) continue;
        if (one == Truth::no) return {Truth::no, "not so: " + describe(condition)};
        if (result.truth == Truth::yes) result = {Truth::unknown, "not known: " + describe(condition)};
    }
    return result;
}

AllHold as_expected(const Expectation& expectation, const FactBook& book, const ConditionContext& context) {
    AllHold result = all_hold(expectation.all, book, context);
    if (result.truth == Truth::no || expectation.any.empty()) return result;
    AllHold other{Truth::unknown, "not known: " + describe(expectation.any.front())};
    for (const auto& condition : expectation.any) {
        const Truth one = holds(condition, book, context);
        if (one == Truth::yes) return result;
        if (one == Truth::no && other.truth == Truth::unknown) other = {Truth::no, "not so: " + describe(condition)};
    }
    return other;
}

std::vector<Fact> read_facts(std::span<const Condition> conditions, const FactBook& book) {
    std::vector<Fact> facts;
    for (const auto& condition : conditions) {
        const Fact* fact = book.latest(condition.fact);
        facts.push_back(fact != nullptr ? *fact : Fact{condition.fact.subject, condition.fact.name, {}, {}, {}});
    }
    return facts;
}

Condition equals(Subject subject, std::string name, double value) {
    return make(std::move(subject), std::move(name), Condition::Is::equal, value);
}
Condition at_least(Subject subject, std::string name, double value) {
    return make(std::move(subject), std::move(name), Condition::Is::at_least, value);
}
Condition at_most(Subject subject, std::string name, double value) {
    return make(std::move(subject), std::move(name), Condition::Is::at_most, value);
}
Condition text_in(Subject subject, std::string name, std::vector<std::string> texts) {
    return make(std::move(subject), std::move(name), Condition::Is::text_in, 0, std::move(texts));
}
Condition text_not_in(Subject subject, std::string name, std::vector<std::string> texts) {
    return make(std::move(subject), std::move(name), Condition::Is::text_not_in, 0, std::move(texts));
}
Condition progressing(Subject subject, std::string name) {
    return make(std::move(subject), std::move(name), Condition::Is::progressing, 0);
}
Condition rate_at_least(Subject subject, std::string name, double per_second) {
    return make(std::move(subject), std::move(name), Condition::Is::rate_at_least, per_second);
}

}  // namespace medic
