// Whether a plan that was made anew is still what a person has agreed to.
#include <algorithm>

#include "agent/loop/state_internal.h"
#include "remediations/planning/codec_internal.h"

namespace medic {
namespace {

// All that the step would change. Only which of the job's states it starts from may be another: it has moved on since.
std::string change_of(const Step& step) {
    OperationBody operation = step.operation;
    if (auto* start = std::get_if<StartDeployment>(&operation); start != nullptr && !start->restore_from.empty())
        start->restore_from = "its newest state";
    return codec::encode(std::pair(codec::encode(step.subject), operation));
}

bool change_the_same(const std::vector<Step>& now_so, const std::vector<Step>& before) {
    return std::ranges::equal(now_so, before, {}, change_of, change_of);
}

}  // namespace

bool Loop::State::is_as_agreed(const Plan& plan, const Plan& before) {
    return plan.needs_approval == before.needs_approval && change_the_same(plan.steps, before.steps) &&
           change_the_same(plan.undo_steps, before.undo_steps) &&
           codec::encode(plan.quarantine) == codec::encode(before.quarantine) &&
           codec::encode(plan.quarantine_when_undone) == codec::encode(before.quarantine_when_undone);
}

}  // namespace medic
