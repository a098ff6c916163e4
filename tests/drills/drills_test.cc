// A remedy without a drill does not ship, and no drill waits for a remedy that there is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "engine/drill/drill_case.h"
#include "remediations/remedies/remedies.h"

namespace medic {
namespace {

TEST(Drills, EveryRemedyHasOne) {
    std::set<std::string> drilled, known;
    for (const auto& drill : engine::drill::cases::all_cases()) drilled.insert(drill.expected_remedy);
    for (const auto& remedy : remedies::all_remedies()) known.insert(remedy.name);
    drilled.erase("");  // Of a fault that nobody but a person ends.
    EXPECT_EQ(drilled, known);
}

}  // namespace
}  // namespace medic
