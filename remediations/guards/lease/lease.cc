#include "remediations/guards/guard.h"

// Several agents watch the cluster, and one of them acts. The others go on observing and say what they would do, so
// that the next one knows all when it takes over.
namespace medic::guards::lease {
namespace {

std::optional<Refusal> object(const GuardQuestion& question) {
    if (!question.acting_agent) return std::nullopt;
    const ActingAgent& agent = *question.acting_agent;
    if (!agent.problem.empty())
        return Refusal{"lease", "it is not known which agent acts here: " + agent.problem, Refusal::Kind::wait, {}};
    if (!agent.ours)
        return Refusal{"lease", "the agent " + agent.holder + " acts here", Refusal::Kind::observe_only, {}};
    return std::nullopt;
}

}  // namespace

Guard descriptor() { return {"lease", "of several agents one acts for a cluster", object}; }

}  // namespace medic::guards::lease
