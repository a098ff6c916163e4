// What the report found: read from and written to its file (a contract: docs/live-report.md is made of it), and shown
// as a table. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace medic::live {

enum class Demands : std::uint8_t {
    everything,  // A figure that is missing is a failure.
    outcome,     // What was said and done; whether the engines alone were tried does not matter.
};

struct FaultResult {
    std::string name, engines, told;
    std::string side, expected_side;    // "" when the agent said nothing.
    std::string cause, expected_cause;  // `cause` is one of those that are right: then both are the same.
    std::string outcome;                // healed | acted in vain | advised | waited
    bool by_a_person = false;           // Only a person can end it: to be named, not healed.
    bool may_try = false;               // By a person: that the agent first tries something in vain is no failure.
    bool interrupts = true;             // Records are expected to stop or slow down.
    std::optional<Duration> diagnosed;  // From the injection.
    std::optional<Duration> recover;    // 0: the flow never fell. nullopt: not within the patience.
    std::optional<Duration> recover_without;
    std::optional<Duration> waited;  // How long the arm without the agent was given. nullopt: it was left out.
    std::optional<std::uint64_t> records_checked, records_lost, records_doubled;
    std::optional<std::uint64_t> doubled_without;
    bool exactly_once = true;  // Of the path that was watched.
    // At least once: so many may come again after any kill, the agent's or an operator's: one commit interval's worth.
    std::optional<std::uint64_t> repeats_max;
    std::uint64_t runs = 1;           // Of how many this is the middle one …
    std::uint64_t failed_runs = 0;    // … and how many of them were not as they must be.
    std::vector<std::string> wrongs;  // What else was not as it must be, as the judge saw it.
    std::vector<std::string> notes;

    // What is not as it must be, one line each; empty: it passed.
    [[nodiscard]] std::vector<std::string> failures(Demands demands = Demands::everything) const;
};

struct FriendResult {
    std::string name, engines, told;
    std::optional<std::uint64_t> actions;  // nullopt: the agent could not be asked.
    std::vector<std::string> said;         // Diagnoses while it was watched.
    std::vector<std::string> notes;
    [[nodiscard]] bool passed() const { return actions == std::uint64_t{0}; }
};

// What the engines did without the agent: kept from run to run.
struct Baseline {
    std::string name, engines;
    std::optional<Duration> recover;
    Duration waited{0};
    std::optional<std::uint64_t> lost, doubled;
};

struct Report {
    std::vector<FaultResult> faults;
    std::vector<FriendResult> friends;
    std::vector<Baseline> baselines;
};

// Errors: invalid (not ours).
[[nodiscard]] Result<Report> parse_report(const std::string& text);
[[nodiscard]] std::string render_report(const Report& report);
[[nodiscard]] std::string render_markdown(const Report& report);

// The middle one of several runs: of times the median ("never" sorts last), of losses the worst. It tells how many
// failed.
[[nodiscard]] FaultResult middle_of(std::vector<FaultResult> runs, Demands demands = Demands::everything);

// What became of a diagnosis: whether the agent acted, and whether that ended the fault, by its own word and by the
// records.
[[nodiscard]] std::string outcome_of(bool acted, bool agent_says_healed, bool recovered);

}  // namespace medic::live
