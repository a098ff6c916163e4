// Faults that are done to a real embedded platform so that an episode can be recorded, and what is then truly wrong.
// The agent knows none of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/drill/drill_case.h"
#include "tests/ranking/episode.h"

namespace medic::ranking_test {

struct Stage {
    engine::drill::Platform& lab;
    std::vector<std::shared_ptr<void>> held;  // What keeps a fault up: until the recording ends.
};

struct Fault {
    std::string name;
    std::string text;     // One line for people.
    std::string masking;  // As Episode::masking.
    Result<std::vector<Truth>> (*inject)(Stage&) = nullptr;
    Duration before{20'000}, after{40'000};
    engine::drill::LabShape shape{};
};

[[nodiscard]] const std::vector<Fault>& all_faults();

}  // namespace medic::ranking_test
