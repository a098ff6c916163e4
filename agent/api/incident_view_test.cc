#include "agent/api/incident_view.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

TEST(Rfc3339, TakesOnlyWhatIsATime) {
    for (const char* good : {"2026-11-22T10:00:00Z", "2026-11-22T10:00:00.000Z", "2026-11-22T11:30:00+01:30",
                             "2026-11-22T09:00:00.000000000-01:00"})
        EXPECT_EQ(read_rfc3339(good), WallTime{1'795'341'600'000}) << good;
    EXPECT_EQ(read_rfc3339("2026-11-22T10:00:00.1239Z"), WallTime{1'795'341'600'123});
    EXPECT_EQ(read_rfc3339("2024-02-29T00:00:00Z"), WallTime{1'709'164'800'000});
    EXPECT_TRUE(read_rfc3339("0001-01-01T00:00:00Z"));  // Go's "never".
    for (const char* bad : {"", "2026-11-22", "2026-11-22T10:00:00", "2026-02-30T10:00:00Z", "2026-13-01T10:00:00Z",
                            "2026-11-22T24:00:00Z", "2026-11-22T10:60:00Z", "2026-11-22T10:00:00Zjunk",
                            "2026-11-22T10:00:00+1:00", "2026-11-22T10:00:00+01:00x", "2026-11-22T10:00:00+24:00",
                            "2026-11-22T10:00:00.Z", " 2026-11-22T10:00:00Z", "2026-1-2T10:00:00Z"})
        EXPECT_FALSE(read_rfc3339(bad)) << bad;
}

// What people approve or stop stands beside the plan, as long as there is something to.
TEST(IncidentView, NamesTheActionAtHand) {
    Incident one;
    one.id = "I17";
    one.plan = Plan{.remedy = "x", .steps = {Step{}}};
    one.step_number = 2;
    EXPECT_NE(incident_json(one).find(R"("action":"I17/2")"), std::string::npos) << incident_json(one);
    one.state = IncidentState::resolved;
    EXPECT_NE(incident_json(one).find(R"("action":"")"), std::string::npos) << incident_json(one);
}

}  // namespace
}  // namespace medic
