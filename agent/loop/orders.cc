// What people say of what is there: whether it can still be so. The loop itself would only leave a line in its story,
// which whoever has just approved at night does not read.
#include <algorithm>

#include <fmt/format.h>

#include "agent/loop/request.h"

namespace medic {
namespace {

using Kind = OperatorCommand::Kind;

Status can_resume(const std::string& cluster, const std::vector<Pause>& pauses) {
    if (cluster.empty()) return {};
    const auto all = std::ranges::find(pauses, "", &Pause::cluster);
    if (all == pauses.end()) return {};
    return fail(ErrorCode::not_ready,
                "{} has paused every cluster ({}): that pause is taken back for all of them or not at all", all->by,
                all->reason);
}

}  // namespace

bool can_be_undone(const Incident& incident) {
    return incident.acted && incident.plan && !incident.undoing && !incident.plan->undo_steps.empty() &&
           incident.step >= incident.plan->undo_from;
}

bool can_be_undone_now(const Incident& incident) {
    return can_be_undone(incident) && !incident.may_still_come &&
           (incident.state == IncidentState::healed || incident.state == IncidentState::escalated ||
            incident.state == IncidentState::verifying);
}

Status can_be_carried_out(const OperatorCommand& command, const std::vector<Incident>& known,
                          const std::vector<Pause>& pauses) {
    if (command.kind == Kind::resume) return can_resume(command.target, pauses);
    const bool answer = command.kind == Kind::approve || command.kind == Kind::reject;
    if (!answer && command.kind != Kind::stop && command.kind != Kind::undo) return {};
    const std::string id = command.target.substr(0, command.target.find('/'));
    const auto found = std::ranges::find_if(known, [&](const Incident& one) { return one.id == id && !one.ended(); });
    if (found == known.end())
        return fail(ErrorCode::invalid, "no open incident or action is called {}: `medic actions` shows them",
                    command.target);
    if (answer && found->state != IncidentState::waiting_approval)
        return fail(ErrorCode::not_ready, "{} waits for no answer: {} is {}", command.target, id,
                    to_string(found->state));
    // An incident's plan may have become another one since whoever agrees has looked.
    if (command.kind == Kind::approve && command.target == id)
        return fail(ErrorCode::invalid, "which action? {} waits for an answer: look at it with `medic actions`",
                    found->action_id());
    if (answer && command.target != id && command.target != found->action_id())
        return fail(ErrorCode::not_ready, "{} no longer waits for an answer: {} does; look at it with `medic actions`",
                    command.target, found->action_id());
    if (command.kind != Kind::undo || can_be_undone_now(*found)) return {};
    if (!can_be_undone(*found))
        return fail(ErrorCode::not_ready, "{}: nothing was done that can be taken back from here", command.target);
    if (found->may_still_come)
        return fail(ErrorCode::not_ready, "{}: what it asked for last may still come; ask again when that is over",
                    command.target);
    return fail(ErrorCode::not_ready, "{}: {} is {}: ask again when that has ended", command.target, id,
                to_string(found->state));
}

}  // namespace medic
