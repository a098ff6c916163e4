#include "remediations/guards/guard.h"

// What the step rests on must be known, recent and so, at the moment of sending.
namespace medic::guards::fresh_facts {
namespace {

std::optional<Refusal> object(const GuardQuestion& question) {
    if (!question.precondition.empty()) return Refusal{"fresh-facts", question.precondition, Refusal::Kind::wait, {}};
    for (const auto& fact : question.facts) {
        const std::string what = fact.subject.kind + "/" + fact.subject.name + " " + fact.name;
        if (!fact.known()) return Refusal{"fresh-facts", "not known: " + what, Refusal::Kind::wait, {}};
        if (question.now - fact.observed_at > guard_facts_age_max)
            return Refusal{"fresh-facts", "too old: " + what, Refusal::Kind::wait, {}};
    }
    return std::nullopt;
}

}  // namespace

Guard descriptor() { return {"fresh-facts", "the precondition is known, recent and true", object}; }

}  // namespace medic::guards::fresh_facts
