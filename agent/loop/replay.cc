#include "agent/loop/replay.h"

#include "agent/loop/state_internal.h"
#include "remediations/planning/codec_internal.h"

namespace medic {
namespace codec {

template <class A>
void fields(A& a, PlanningQuestion& v) {
    a("remedy", v.remedy);
    a("diagnosis", v.diagnosis);
    a("view", v.view);
}

}  // namespace codec

std::string plan_verdict(const Result<Plan>& plan) {
    if (!plan) return std::string(to_string(plan.error().code)) + ": " + plan.error().message;
    std::string text = plan->summary;
    for (const auto& step : plan->steps)
        text += "; " + describe(Operation{.key = {}, .cluster = step.subject.cluster, .body = step.operation});
    return text;
}

std::string encode_planning(const std::string& remedy, const Diagnosis& diagnosis, const PlanningView& view) {
    return codec::encode(PlanningQuestion{remedy, diagnosis, view});
}

Result<PlanningQuestion> decode_planning(std::string_view text) { return codec::decode<PlanningQuestion>(text); }

Result<std::vector<ReplayedDecision>> replay(const Journal& journal, std::string_view incident, const Guards& guards,
                                             const Planner& planner) {
    MEDIC_TRY(const auto decisions, journal.decisions(incident));
    std::vector<ReplayedDecision> result;
    for (const auto& decision : decisions) {
        if (decision.inputs.empty()) continue;
        ReplayedDecision one{decision, {}, true};
        if (decision.kind == "guards") {
            MEDIC_TRY(const auto question, decode_question(decision.inputs));
            one.replayed = verdict_text(guards.judge(question));
        } else if (decision.kind == "plan") {
            MEDIC_TRY(const auto question, decode_planning(decision.inputs));
            one.replayed = plan_verdict(planner.plan(question.remedy, question.diagnosis, question.view));
        } else {
            continue;
        }
        one.same = one.replayed == decision.verdict;
        result.push_back(std::move(one));
    }
    return result;
}

}  // namespace medic
