// Advice on how a job is built, from its shape alone: what costs, the evidence, what to do, what it would gain. It
// finds no faults (that is diagnosis) and changes nothing. Called by `medic lint job` and tests.
#pragma once

#include <string>
#include <vector>

#include "agent/advice/job_shape.h"

namespace medic::advice {

enum class Weight : std::uint8_t { note, advice, warning };  // A warning has broken jobs; a note only costs.
[[nodiscard]] std::string_view to_string(Weight weight);

struct Advice {
    std::string id;  // "needless-shuffle": stable, for suppression and documents.
    Weight weight = Weight::advice;
    std::string where;    // Vertex or "job".
    std::string what;     // The finding with its figures.
    std::string instead;  // What to do.
    std::string gain;     // Estimated; "" where nobody can tell.
};

// Heaviest first.
[[nodiscard]] std::vector<Advice> advise(const JobShape& job);

}  // namespace medic::advice
