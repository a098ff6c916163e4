#include "agent/loop/incident_codec.h"

#include "agent/loop/incident.h"
#include "remediations/planning/codec_internal.h"

namespace medic {
namespace codec {

template <class A>
void fields(A& a, StoryLine& v) {
    a("at", v.at);
    a("text", v.text);
}

// clang-format off
template <class A> void fields(A& a, Incident& v) {
    a("id", v.id); a("cluster", v.cluster); a("state", v.state); a("diagnosis", v.diagnosis);
    a.later("causes_before", v.causes_before); a.later("requested_by", v.requested_by); a("outcome", v.outcome);
    a("waiting_for", v.waiting_for); a("opened_at", v.opened_at); a.later("noticed_at", v.noticed_at); a("detected_at", v.detected_at); a("acted_at", v.acted_at);
    a("healed_at", v.healed_at); a("resolved_at", v.resolved_at); a("state_since", v.state_since);
    a("last_reported_at", v.last_reported_at); a("first_failure", v.first_failure); a("effects", v.effects); a("alerts", v.alerts);
    a("story", v.story); a("refusals", v.refusals); a("ladder", v.ladder); a("plans", v.plans); a.later("tried", v.tried); a.later("untried", v.untried);
    a.later("hoped_for", v.hoped_for); a("plan", v.plan);
    a("undoing", v.undoing); a("begun", v.begun); a("acted", v.acted); a("seen_gone", v.seen_gone); a("left_midway", v.left_midway);
    a.later("may_still_come", v.may_still_come); a.later("yielded", v.yielded); a.later("already_so", v.already_so); a.later("stopped_job", v.stopped_job); a.later("stopped_job_id", v.stopped_job_id); a("step", v.step);
    a("step_number", v.step_number); a("attempt", v.attempt); a("key", v.key); a("step_acted_at", v.step_acted_at);
    a("deadline", v.deadline); a("not_before", v.not_before); a("holds_since", v.holds_since); a("baseline", v.baseline);
    a("savepoint", v.savepoint); a.later("savepoints_before", v.savepoints_before); a("approved_by", v.approved_by); a("approved_at", v.approved_at); a("last_verdict", v.last_verdict);
}
// clang-format on

}  // namespace codec

std::string_view to_string(IncidentState state) {
    switch (state) {
        case IncidentState::diagnosing: return "diagnosing";
        case IncidentState::planning: return "planning";
        case IncidentState::waiting_guard: return "waiting_guard";
        case IncidentState::waiting_approval: return "waiting_approval";
        case IncidentState::observing: return "observing";
        case IncidentState::acting: return "acting";
        case IncidentState::probing: return "probing";
        case IncidentState::verifying: return "verifying";
        case IncidentState::healed: return "healed";
        case IncidentState::escalated: return "escalated";
        case IncidentState::resolved: return "resolved";
    }
    return "escalated";
}

IncidentRow to_row(const Incident& incident) {
    return {.id = incident.id,
            .cluster = incident.cluster,
            .cause = incident.diagnosis.cause,
            .subject = incident.diagnosis.subject.kind + "/" + incident.diagnosis.subject.name,
            .state = std::string(to_string(incident.state)),
            .side = std::string(to_string(incident.diagnosis.side)),
            .owner = incident.diagnosis.owner,
            .summary = incident.diagnosis.summary,
            .opened_at = incident.opened_at,
            .detected_at = incident.detected_at,
            .acted_at = incident.acted_at,
            .healed_at = incident.healed_at,
            .resolved_at = incident.resolved_at,
            .closed = incident.ended(),
            .detail = codec::encode(incident)};
}

Result<Incident> from_row(const IncidentRow& row) {
    auto incident = codec::decode<Incident>(row.detail);
    if (!incident) return wrap(incident.error(), "incident " + row.id);
    if (incident->plan && incident->step >= incident->steps().size())
        return fail(ErrorCode::invalid, "incident {}: step {} is not in its plan", row.id, incident->step);
    return incident;
}

}  // namespace medic
