#include "remediations/guards/guard.h"

// A job that a person has stopped, or that has ended, is not ours to touch (a health check once restarted such jobs
// beyond repair).
namespace medic::guards::terminal_job {
namespace {

std::optional<Refusal> object(const GuardQuestion& question) {
    if (question.step.job.kind.empty() || question.step.after_own_stop) return std::nullopt;
    const auto& state = question.job_state;
    if (!state || state->text.empty() || question.now - state->observed_at > guard_facts_age_max)
        return Refusal{
            "terminal-job", "the state of job " + question.step.job.name + " is not known", Refusal::Kind::wait, {}};
    if (state->text == "FINISHED" || state->text == "CANCELED")
        return Refusal{"terminal-job",
                       "job " + question.step.job.name + " is " + state->text + ": it was ended on purpose",
                       Refusal::Kind::never,
                       {}};
    return std::nullopt;
}

}  // namespace

Guard descriptor() { return {"terminal-job", "jobs that have ended are never touched", object}; }

}  // namespace medic::guards::terminal_job
