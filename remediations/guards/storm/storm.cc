#include <fmt/format.h>

#include "remediations/guards/guard.h"

// Many incidents in one cluster within minutes have a cause that they share, or are the agent's own mistake; healing
// them one by one adds changes to an outage that nobody understands yet. A person decides what is begun. What was begun
// goes on: a job that was stopped must be started again.
namespace medic::guards::storm {
namespace {

std::optional<Refusal> object(const GuardQuestion& question) {
    if (!question.history_complete)
        return Refusal{"storm", "how many incidents there were lately is not known", Refusal::Kind::wait, {}};
    if (!question.storm || question.plan_begun || question.undo || is_approved(question)) return std::nullopt;
    return Refusal{"storm",
                   fmt::format("{} incidents were opened in {} within minutes: nothing new begins by itself before it "
                               "has been calm for a while; a person must look first",
                               question.storm->incidents, question.cluster),
                   Refusal::Kind::needs_approval, question.storm->over_at};
}

}  // namespace

Guard descriptor() { return {"storm", "many incidents at once are for a person", object}; }

}  // namespace medic::guards::storm
