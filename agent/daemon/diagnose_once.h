// One diagnosis for a person at a terminal: looks for a few seconds, reads only, and says what is wrong, whose it is
// and what to do. The running agent answers with the same result (diagnosis_document.h), of all that it has seen.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/daemon/knowledge.h"
#include "agent/daemon/snapshot.h"
#include "agent/loop/input.h"
#include "remediations/guards/policy.h"
#include "remediations/planning/planning_view.h"

namespace medic {

struct DiagnoseOptions {
    Config config;
    Policy policy;  // For "what would have happened by itself".
    std::string rules_directory;
    Duration look_for{8'000};  // Rates and standstills need a few looks.
};

struct BlindSpot {
    std::string target, why;
};

// Whose eyes a result comes from.
struct SeenBy {
    enum class Kind : std::uint8_t { look, agent, bundle };
    Kind kind = Kind::look;
    WallTime since;       // From when on it has been watched.
    std::string address;  // agent: where it answers; bundle: the file.
    std::string note;     // look: why it is not the agent's.
};

// What the agent makes of one cause: only the agent has incidents.
struct OpenIncident {
    std::string id, state, waiting_for;
    std::string doing;  // The plan at hand; "" without one.
    std::string first_failure;
    WallTime opened_at;
    Diagnosis diagnosis;
    [[nodiscard]] bool is_of(const Diagnosis& one) const {
        return diagnosis.cause == one.cause && diagnosis.subject == one.subject;
    }
};

// A bundle's observations, weighed again by the program that reads it.
struct Weighed {
    WallTime at;       // The newest sample.
    std::string by;    // Which program.
    std::string note;  // What it had to do without.
    std::vector<Diagnosis> diagnoses;
    std::vector<std::string> changes;  // Beside what the bundle says, a line each.
};

struct DiagnoseResult {
    SeenBy seen_by;
    DiagnosisReport report;
    std::vector<OpenIncident> incidents;
    std::vector<Symptom> symptoms;
    std::vector<BlindSpot> blind;  // Targets that could not be seen, or not wholly.
    std::size_t targets = 0;
    std::vector<std::string> unobserved;  // What the configuration does not watch, and the fault it would hide.
    std::vector<std::string> by_itself;   // One line per diagnosis: what the agent would have done under the policy.
    std::vector<PlanningView> views;      // One per diagnosis: what is known to whoever plans. None in a document.
    enum class Verdict : std::uint8_t { healthy, problem, cannot_tell } verdict = Verdict::cannot_tell;
    std::optional<Weighed> weighed_anew;  // Of a bundle.
};

// A look that goes on until it is destroyed, on threads of its own. The longer it lasts, the more it knows.
class Look {
public:
    [[nodiscard]] static Result<std::unique_ptr<Look>> start(DiagnoseOptions options);
    ~Look();
    Look(const Look&) = delete;
    Look& operator=(const Look&) = delete;

    [[nodiscard]] bool has_looked() const;  // For `look_for`: before that a result would be rash.
    void wait_until_looked() const;
    [[nodiscard]] DiagnoseResult result();
    [[nodiscard]] Snapshot snapshot(const SnapshotOptions& bounds);

private:
    struct State;
    explicit Look(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

[[nodiscard]] Result<DiagnoseResult> diagnose_once(DiagnoseOptions options);

// What an evaluation is for a person: with owners, symptoms that planned work does not explain, what was not seen, and
// what would happen by itself where no incident tells it. On the ingest thread.
[[nodiscard]] DiagnoseResult result_of(DiagnosisReport report, const std::vector<Symptom>& symptoms,
                                       const Config& config, const Knowledge& knowledge, WallTime now);
void say_by_itself(DiagnoseResult& result, const Policy& policy);

// Fills in `blind`, `targets` and `unobserved` of a look that has ended. A Prometheus server that answers and yet lacks
// targets or series is blind too: what it does not see may be down.
void note_sight(DiagnoseResult& result, const Config& config, const Knowledge& knowledge, WallTime now);
// problem: also while an incident of the agent is open that has not healed, and while one is escalated, with a named
// cause or without.
// healthy: only when nothing is wrong and everything that was asked has told all of it.
[[nodiscard]] DiagnoseResult::Verdict verdict_of(const DiagnoseResult& result);

// What each cluster of the configuration leaves in the dark.
[[nodiscard]] std::vector<std::string> unobserved(const Config& config);

}  // namespace medic
