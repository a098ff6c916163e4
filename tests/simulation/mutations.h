// Protections of the agent that the simulation can take away one at a time, to prove that a checker notices. The agent
// itself has no such switch: a mutation changes what the simulation hands to the loop (guards, remedies, the restored
// journal) or what the simulation does in the daemon's place (the order of journal and sending).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/loop/loop.h"

namespace medic::simulation {

struct Mutation {
    std::string name;  // A guard's, or one of the loop's own protections.
    std::string what;  // What is taken away, for a person.
};

// Every guard first, by name, then the rest.
[[nodiscard]] std::vector<Mutation> all_mutations();
[[nodiscard]] bool is_mutation(std::string_view name);

// What is changed in the daemon's place.
namespace mutation {
constexpr std::string_view journal_before_act = "journal-before-act";
constexpr std::string_view last_look = "last-look";
constexpr std::string_view probe_after_restart = "probe-after-restart";
constexpr std::string_view history_after_restart = "history-after-restart";
constexpr std::string_view incidents_after_restart = "incidents-after-restart";
constexpr std::string_view pauses_after_restart = "pauses-after-restart";
constexpr std::string_view idempotency = "idempotency";
constexpr std::string_view verification = "verification";
}  // namespace mutation

// Takes away what `without` names from what a loop is made of; "" takes nothing away.
void mutate(LoopOptions& options, std::string_view without);
void mutate(JournalState& restored, std::string_view without);

}  // namespace medic::simulation
