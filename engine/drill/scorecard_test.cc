#include "engine/drill/scorecard.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace medic::engine::drill {
namespace {

DrillResult right_result() {
    return {.name = "node-lost",
            .healed = true,
            .side = "system",
            .expected_side = "system",
            .cause = "flink.taskmanager-lost",
            .expected_cause = "flink.taskmanager-lost",
            .remedy = "flink.replace-taskmanager",
            .expected_remedy = "flink.replace-taskmanager",
            .detect = Duration(1'200),
            .recover = Duration(4'300),
            .waited = Duration(20'000)};
}

TEST(Scorecard, passes_only_when_all_is_right) {
    EXPECT_TRUE((Scorecard{"", {right_result()}}).passed());
    EXPECT_FALSE(Scorecard{}.passed());
    for (auto spoil : {+[](DrillResult& r) { r.healed = false; }, +[](DrillResult& r) { r.side = "user"; },
                       +[](DrillResult& r) { r.cause = "other"; }, +[](DrillResult& r) { r.remedy = ""; },
                       +[](DrillResult& r) { r.records_lost = 1; }, +[](DrillResult& r) { r.records_doubled = 1; }}) {
        DrillResult result = right_result();
        spoil(result);
        EXPECT_FALSE((Scorecard{"", {right_result(), result}}).passed());
    }
}

TEST(Scorecard, prints_never_as_longer_than_the_wait) {
    const std::string text = render_text({"heartbeat.timeout 10 s", {right_result()}});
    EXPECT_NE(text.find("> 20.0 s"), std::string::npos) << text;
    EXPECT_NE(text.find("4.3 s"), std::string::npos);
    EXPECT_NE(text.find("heartbeat.timeout 10 s"), std::string::npos);
}

TEST(Scorecard, shows_what_was_expected_where_it_differs) {
    DrillResult result = right_result();
    result.cause = "";
    EXPECT_NE(render_text({"", {result}}).find("none (expected flink.taskmanager-lost)"), std::string::npos);
}

TEST(Scorecard, gives_medians_of_repeated_drills) {
    DrillResult slow = right_result(), never = right_result();
    slow.recover = Duration(9'000);
    never.recover = std::nullopt;
    const std::string text = render_text({"", {never, right_result(), slow}});
    EXPECT_NE(text.find("median of 3 × node-lost: detected 1.2 s, recovered 9.0 s"), std::string::npos) << text;
}

TEST(Scorecard, keeps_the_json_contract) {
    const auto document = nlohmann::json::parse(render_json({"", {right_result()}}));
    EXPECT_EQ(document.at("schema"), 1);
    const auto& drill = document.at("drills").at(0);
    EXPECT_EQ(drill.at("recover_ms"), 4'300);
    EXPECT_TRUE(drill.at("recover_without_ms").is_null());
    EXPECT_EQ(drill.at("waited_ms"), 20'000);
}

}  // namespace
}  // namespace medic::engine::drill
