// The steps from what was observed to what is told: observations → candidates (a cause and a subject), weighed against
// each other → those that another explains are its effects → diagnoses and abstentions. Only for the diagnoser.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "classifiers/diagnosis/classifier.h"
#include "classifiers/diagnosis/diagnosis.h"
#include "classifiers/view.h"

namespace medic::ranking {

struct Observed {
    Clue::Kind kind = Clue::Kind::finding;
    std::string id;
    Subject subject;
    WallTime since;
    double strength = 1;
    const Finding* finding = nullptr;
    const Symptom* symptom = nullptr;
    const Event* event = nullptr;  // Of an event, or the one whose trace holds the signature.
};

struct Candidate {
    const Cause* cause = nullptr;
    Subject subject;
    double score = 0, confidence = 0;
    WallTime since;
    std::vector<const Observed*> support, against;  // Strongest first.
    std::vector<const Clue*> absent;                // Clues for it that were not seen.
    bool stands = false;                            // A decisive finding or symptom carries it.
    std::vector<std::string> effects;
    bool explained = false;  // By another candidate, among whose effects it is.
};

[[nodiscard]] bool is_log(const Observed& observed);
// What a finding, symptom or event says by name; nullptr: nothing.
[[nodiscard]] const std::map<std::string, std::string>* fields_of(const Observed& observed);
[[nodiscard]] std::string field(const Observed& observed, const std::string& name);  // "" when it says nothing of it.
// Whether one is, holds, runs on, reads or writes the other.
[[nodiscard]] bool related(const Topology& topology, const Subject& a, const Subject& b);
// Readings of one trace compete, also where one is about a connector's settings and the other about its task.
[[nodiscard]] bool one_trace(const Subject& a, const Subject& b);
// Which product the exceptions of a subject come from.
[[nodiscard]] Component component_of(const Subject& subject);

// Every cause that an observation speaks for, with all that speaks for and against it. Unsorted, without confidence.
[[nodiscard]] std::vector<Candidate> candidates_of(const Catalogue& catalogue, const View& view,
                                                   const std::vector<Observed>& seen);
// Gives confidence and sorts by it: what a finding carries stands by itself; readings of one trace compete.
void weigh(std::vector<Candidate>& candidates);
// Marks candidates that another one explains, and adds them to its effects.
void explain_away(const View& view, std::vector<Candidate>& candidates, double confidence_min);

// `blind`: what could not be seen, told with every diagnosis.
[[nodiscard]] Diagnosis report(const View& view, const Candidate& candidate, const std::vector<Candidate>& all,
                               const std::vector<std::string>& blind);
// Trouble that no cause accounts for: said, with what would have told and what it may be. `explained`: subjects whose
// trouble is an effect.
[[nodiscard]] std::vector<Diagnosis> abstain(const Catalogue& catalogue, const View& view,
                                             const std::vector<Candidate>& all, const std::vector<Diagnosis>& told,
                                             const std::set<Subject>& explained, const std::vector<std::string>& blind);

}  // namespace medic::ranking
