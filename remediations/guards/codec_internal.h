// Field lists of the guards' types; see remediations/planning/codec_internal.h. Only for .cc files.
#pragma once

#include "remediations/guards/guard.h"
#include "remediations/planning/codec_internal.h"

namespace medic::codec {

// clang-format off
template <class A> void fields(A& a, BlastRadius& v) {
    a("nodes", v.nodes); a("share_percent", v.share_percent); a("window", v.window); a("zones", v.zones); a("healthy_min", v.healthy_min);
}
template <class A> void fields(A& a, Limits& v) {
    a("cooldown", v.cooldown); a("attempts_max", v.attempts_max); a("backoff", v.backoff); a("backoff_max", v.backoff_max);
    a("budget_operations", v.budget_operations); a("budget_window", v.budget_window); a("approval_ttl", v.approval_ttl);
    a.later("blast_radius", v.blast_radius);
}
template <class A> void fields(A& a, PolicyDecision& v) {
    a("mode", v.mode); a("why", v.why); a("names_object", v.names_object); a("floor", v.floor); a("limits", v.limits);
}
template <class A> void fields(A& a, PastAttempt& v) {
    a("key", v.key); a("incident", v.incident); a("cluster", v.cluster); a("remedy", v.remedy); a("cause", v.cause);
    a("diagnosed", v.diagnosed); a("target", v.target); a("at", v.at); a("undo", v.undo);
    a.later("took_node", v.took_node);
}
template <class A> void fields(A& a, ManagedChange& v) {
    a("object", v.object); a("by", v.by); a("proposal", v.proposal); a("restart", v.restart);
}
template <class A> void fields(A& a, Storm& v) { a("incidents", v.incidents); a("over_at", v.over_at); }
template <class A> void fields(A& a, Unproven& v) { a("first", v.first); a("since", v.since); a("until", v.until); a("harm", v.harm); }
template <class A> void fields(A& a, RoleNode& v) {
    a("name", v.name); a("zone", v.zone); a("spare", v.spare); a("up", v.up); a("taken_at", v.taken_at); a.later("brought_back", v.brought_back);
}
template <class A> void fields(A& a, TakenAway& v) { a("node", v.node); a("role", v.role); a("patient", v.patient); a("nodes", v.nodes); a.later("broker", v.broker); a.later("needed_by", v.needed_by); a.later("logs_to_recover", v.logs_to_recover); }
template <class A> void fields(A& a, Pause& v) { a("cluster", v.cluster); a("reason", v.reason); a("by", v.by); a("since", v.since); }
template <class A> void fields(A& a, Cordon& v) { a("cluster", v.cluster); a("node", v.node); a("reason", v.reason); a("by", v.by); a("since", v.since); }
template <class A> void fields(A& a, Approval& v) { a("action", v.action); a("by", v.by); a("reason", v.reason); a("at", v.at); }
template <class A> void fields(A& a, Sight& v) {
    a("reported_at", v.reported_at); a("targets_blind", v.targets_blind); a("targets_total", v.targets_total);
    a("tick_lateness_seconds", v.tick_lateness_seconds);
}
template <class A> void fields(A& a, ClockHealth& v) { a("compared", v.compared); a("stepped_at", v.stepped_at); a("step", v.step); }
template <class A> void fields(A& a, ActingAgent& v) { a("ours", v.ours); a("holder", v.holder); a("problem", v.problem); }
template <class A> void fields(A& a, SilencedBy& v) { a("what", v.what); a("until", v.until); }
template <class A> void fields(A& a, GuardQuestion& v) {
    a("step", v.step); a("key", v.key); a("incident", v.incident); a("cluster", v.cluster); a("diagnosed", v.diagnosed);
    a("attempt", v.attempt); a("plan_begun", v.plan_begun); a("undo", v.undo); a("needs_approval", v.needs_approval);
    a("now", v.now); a("policy", v.policy); a("journal_writable", v.journal_writable); a("history_complete", v.history_complete);
    a("history", v.history); a("not_before", v.not_before); a("others_acting", v.others_acting); a("pause_file", v.pause_file);
    a("pauses", v.pauses); a("facts", v.facts); a("precondition", v.precondition); a("job_state", v.job_state);
    a("operations_seen_at", v.operations_seen_at); a("operations", v.operations);
    a("silences_configured", v.silences_configured); a("silences_read_at", v.silences_read_at);
    a("silences_problem", v.silences_problem); a("silenced", v.silenced); a("sight", v.sight); a("clock", v.clock);
    a("approval", v.approval); a("version_quarantined", v.version_quarantined);
    a.later("acting_agent", v.acting_agent); a.later("clusters_with_this_cause", v.clusters_with_this_cause);
    a.later("takes_away", v.takes_away); a.later("storm", v.storm);
    a.later("managed", v.managed); a.later("step_index", v.steps_done); a.later("cause_reported_at", v.cause_reported_at);
    a.later("unproven", v.unproven); a.later("cordon", v.cordon);
}
// clang-format on

}  // namespace medic::codec
