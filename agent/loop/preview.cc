// The dry run of a roll: every guard is asked of each node as things are now, and the answers are told instead of acted
// on.
#include <algorithm>

#include <fmt/format.h>

#include "agent/loop/request.h"
#include "agent/loop/state_internal.h"
#include "remediations/planning/dry_run.h"

namespace medic {
namespace {

std::string spoken(Duration duration) {
    const auto seconds = duration.count() / 1'000;
    if (seconds < 120) return fmt::format("{} s", seconds);
    return fmt::format("{} min {} s", seconds / 60, seconds % 60);
}

std::size_t nodes_of(const Plan& plan) {
    return static_cast<std::size_t>(
        std::ranges::count_if(plan.steps, [](const Step& step) { return taken_node(step.operation) != nullptr; }));
}

}  // namespace

// From the newest roll of that role that came to its end. Brokers copy what they have missed: nobody can tell before.
std::string Loop::State::estimate_of(const Incident& incident) const {
    const std::size_t nodes = nodes_of(*incident.plan);
    const Incident* last = nullptr;
    const auto look = [&](const Incident& other) {
        const bool rolled = other.cluster == incident.cluster && other.diagnosis.cause == roll_cause &&
                            other.diagnosis.subject == incident.diagnosis.subject && other.outcome == "done" &&
                            other.acted_at.unix_ms != 0 && other.healed_at > other.acted_at && other.plan;
        if (rolled && (last == nullptr || other.healed_at > last->healed_at)) last = &other;
    };
    for (const auto& other : ended) look(other);
    for (const auto& [number, other] : open) look(other);
    if (last == nullptr)
        return "estimate: not known, no such roll is remembered; the limits above hold for each of its " +
               std::to_string(nodes) + " nodes";
    const auto before = std::max<std::size_t>(1, nodes_of(*last->plan));
    const Duration each = (last->healed_at - last->acted_at) / static_cast<std::int64_t>(before);
    return fmt::format("estimate: {} for {} nodes, as long as {} took for each of {} ({})",
                       spoken(each * static_cast<std::int64_t>(nodes)), nodes, last->id, before, spoken(each));
}

void Loop::State::preview(Incident& incident) {
    const std::vector<Step> steps = incident.plan->steps;
    const bool waited = now - incident.state_since >= options.plan_facts_max;
    for (const Step& step : steps)
        if (!waited && !answered(incident, as_if_meant(step))) return;
    int number = 0, objected = 0;
    for (const Step& planned : steps) {
        if (taken_node(planned.operation) == nullptr) continue;
        const Step step = as_if_meant(planned);
        const auto question = question_about(incident, step);
        const auto judgement = guards.judge(question);
        objected += judgement ? 0 : 1;
        const std::string verdict = judgement ? "nothing objects now" : "not now: " + verdict_text(judgement);
        tell(incident, fmt::format("{}. {}: {}", ++number, step.text, verdict));
        decide_on(incident, "preview", judgement ? "permitted" : "refused", step.text + ": " + verdict);
    }
    tell(incident, estimate_of(incident));
    resolve(incident, objected == 0 ? "done" : "refused",
            objected == 0
                ? std::string("dry run: nothing was sent, and nothing objects")
                : fmt::format("dry run: nothing was sent; of {} nodes {} would have to wait", number, objected));
}

}  // namespace medic
