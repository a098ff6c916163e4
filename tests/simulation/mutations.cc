#include "tests/simulation/mutations.h"

#include <algorithm>

#include "agent/loop/incident_codec.h"
#include "remediations/remedies/remedies.h"

namespace medic::simulation {
namespace {

const Remedy& original(std::string_view name) {
    static const std::vector<Remedy> all = remedies::all_remedies();
    return *std::ranges::find(all, name, &Remedy::name);
}

// Every operation may be sent again blindly. Its precondition alone would hold it back, so that goes as well.
Result<Plan> roll_back_again(const Diagnosis& diagnosis, const PlanningView& view) {
    auto plan = original("flink.roll-back").plan(diagnosis, view);
    if (plan)
        for (auto& step : plan->steps) step.idempotent = true, step.precondition.clear();
    return plan;
}

// An operation's own effect is taken for success: the node is up, so all is well.
Result<Plan> replace_and_hope(const Diagnosis& diagnosis, const PlanningView& view) {
    auto plan = original("flink.replace-taskmanager").plan(diagnosis, view);
    if (plan)
        for (auto& step : plan->steps) step.expectation.all = step.done, step.expectation.any.clear();
    return plan;
}

// What was on its way is taken for what has not been sent yet.
void forget_what_was_on_its_way(JournalState& restored) {
    for (auto& row : restored.open_incidents) {
        auto incident = from_row(row);
        if (!incident || incident->state != IncidentState::acting) continue;
        incident->state = IncidentState::waiting_guard;
        row = to_row(*incident);
    }
}

}  // namespace

std::vector<Mutation> all_mutations() {
    std::vector<Mutation> all;
    for (const auto& guard : guards::all_guards()) all.push_back({std::string(guard.name), std::string(guard.what)});
    const std::pair<std::string_view, const char*> own[] = {
        {mutation::journal_before_act, "an operation leaves only once its intent is durable"},
        {mutation::last_look, "a pause is looked for once more before every sending"},
        {mutation::probe_after_restart, "what was on its way when the agent died is looked for, not sent again"},
        {mutation::history_after_restart, "attempts are remembered across restarts"},
        {mutation::incidents_after_restart,
         "incidents that are over count across restarts: how many there were, and where"},
        {mutation::pauses_after_restart, "pauses are remembered across restarts"},
        {mutation::idempotency,
         "what may not happen twice is not sent again blindly (and without fresh-facts, which would do)"},
        {mutation::verification, "healed is what the harm's own facts say, not what the operation did"}};
    for (const auto& [name, what] : own) all.push_back({std::string(name), what});
    return all;
}

bool is_mutation(std::string_view name) {
    const auto all = all_mutations();
    return std::ranges::find(all, name, &Mutation::name) != all.end();
}

void mutate(LoopOptions& options, std::string_view without) {
    const std::string_view guard_gone = without == mutation::idempotency ? "fresh-facts" : without;
    std::erase_if(options.guards, [&](const Guard& guard) { return guard.name == guard_gone; });
    for (auto& remedy : options.remedies) {
        if (without == mutation::idempotency && remedy.name == "flink.roll-back") remedy.plan = roll_back_again;
        if (without == mutation::verification && remedy.name == "flink.replace-taskmanager")
            remedy.plan = replace_and_hope;
    }
}

void mutate(JournalState& restored, std::string_view without) {
    if (without == mutation::probe_after_restart) forget_what_was_on_its_way(restored);
    if (without == mutation::history_after_restart) restored.attempts.clear();
    if (without == mutation::incidents_after_restart) restored.ended_incidents.clear();
    if (without == mutation::pauses_after_restart) restored.pauses.clear();
}

}  // namespace medic::simulation
