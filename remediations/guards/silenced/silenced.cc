#include "remediations/guards/guard.h"

// A person has silenced what this is about, or Alertmanager holds its alert back because of a bigger one: somebody is
// at work there.
namespace medic::guards::silenced {
namespace {

std::optional<Refusal> object(const GuardQuestion& question) {
    if (!question.silences_configured) return std::nullopt;
    if (!question.silences_read_at || question.now - *question.silences_read_at > guard_silences_age_max)
        return Refusal{"silenced",
                       "it is not known what is silenced: Alertmanager can't be read" +
                           (question.silences_problem.empty() ? std::string() : " (" + question.silences_problem + ")"),
                       Refusal::Kind::wait,
                       {}};
    if (question.silenced.empty()) return std::nullopt;
    const SilencedBy& first = question.silenced.front();
    return Refusal{"silenced", first.what, Refusal::Kind::wait, first.until};
}

}  // namespace

Guard descriptor() { return {"silenced", "what somebody has silenced in Alertmanager is left alone", object}; }

}  // namespace medic::guards::silenced
