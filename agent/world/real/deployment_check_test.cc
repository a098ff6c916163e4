// What Flink's answers say for and against a new version. Shapes as Flink 1.20 gives them.
#include "agent/world/real/deployment_check.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

DeploymentAnswers good() {
    return {.plan = R"({"plan":{"nodes":[
            {"id":"aa","parallelism":4,"description":"Source: events<br/>"},
            {"id":"bb","parallelism":4,"description":"window<br/>+- orders: Writer<br/>+- orders: Committer<br/>",
             "inputs":[{"id":"aa"}]}]}})",
            .job = R"({"state":"RUNNING","vertices":[
            {"id":"aa","name":"Source: events","parallelism":4,"maxParallelism":128},
            {"id":"bb","name":"window","parallelism":4,"maxParallelism":128}]})",
            .checkpoint = R"({"tasks":{"aa":{"state_size":100},"bb":{"state_size":2000}}})",
            .overview = R"({"slots-total":4,"slots-available":0})"};
}

std::string said(const DeploymentAnswers& answers, const std::set<std::string>& accepted = {}) {
    const auto judged = judge_deployment(answers, accepted);
    return judged ? *judged : "refused: " + judged.error().message;
}

TEST(DeploymentCheck, a_version_that_takes_everything_is_told_in_lines) {
    const std::string text = said(good());
    for (const char* line : {"plan: it loads, 2 vertices", "Source: events (100 bytes)", "window (2000 bytes)",
                             "slots: 4 needed, 4 free once the old version has stopped", "transactional"})
        EXPECT_NE(text.find(line), std::string::npos) << line << " in\n" << text;
}

TEST(DeploymentCheck, state_that_would_be_left_behind_speaks_against_it) {
    auto answers = good();
    answers.plan = R"({"plan":{"nodes":[{"id":"aa","parallelism":4,"description":"Source: events"}]}})";
    EXPECT_NE(said(answers).find("no vertex with the id of window (2000 bytes)"), std::string::npos) << said(answers);
    EXPECT_NE(said(answers).find("accept state"), std::string::npos);
    EXPECT_NE(said(answers, {"state"}).find("(accepted)"), std::string::npos);
}

TEST(DeploymentCheck, a_vertex_without_state_may_go) {
    auto answers = good();
    answers.plan = R"({"plan":{"nodes":[{"id":"aa","parallelism":4,"description":"Source: events"}]}})";
    answers.checkpoint = R"({"tasks":{"aa":{"state_size":100},"bb":{"state_size":0}}})";
    EXPECT_FALSE(said(answers).starts_with("refused")) << said(answers);
}

TEST(DeploymentCheck, what_holds_state_is_not_told_so_every_vertex_counts) {
    auto answers = good();
    answers.checkpoint = "";
    EXPECT_FALSE(said(answers).starts_with("refused")) << said(answers);
    answers.plan = R"({"plan":{"nodes":[{"id":"aa","parallelism":4,"description":"Source: events"}]}})";
    EXPECT_NE(said(answers).find("no vertex with the id of window"), std::string::npos) << said(answers);
}

TEST(DeploymentCheck, what_runs_is_not_told_so_a_person_is_asked) {
    auto answers = good();
    answers.job = "";
    EXPECT_NE(said(answers).find("which vertices run now is not known"), std::string::npos) << said(answers);
}

TEST(DeploymentCheck, slots_that_are_not_there_and_state_in_too_few_parts) {
    auto answers = good();
    answers.plan = R"({"plan":{"nodes":[{"id":"aa","parallelism":200},{"id":"bb","parallelism":4}]}})";
    EXPECT_NE(said(answers).find("slots: 200 needed, 4 free"), std::string::npos) << said(answers);
    EXPECT_NE(said(answers).find("more subtasks than parts of state"), std::string::npos) << said(answers);
    EXPECT_NE(said(answers).find("accept slots, state"), std::string::npos) << said(answers);
    answers = good();
    answers.overview = "";
    EXPECT_NE(said(answers).find("slots: how many are free, or needed, is not told"), std::string::npos);
    EXPECT_FALSE(said(answers).starts_with("refused"));
}

TEST(DeploymentCheck, a_plan_that_is_none_is_refused_whatever_was_accepted) {
    for (const char* none : {"", "not json", "[]", R"({"plan":{"nodes":[]}})", R"({"plan":{"nodes":7}})"}) {
        auto answers = good();
        answers.plan = none;
        EXPECT_TRUE(said(answers, {"plan", "state", "slots"}).starts_with("refused")) << none;
    }
}

TEST(DeploymentCheck, the_newest_complete_checkpoint_is_asked_for_its_parts) {
    EXPECT_EQ(newest_checkpoint_number(R"({"latest":{"completed":{"id":17}}})"), "17");
    EXPECT_EQ(newest_checkpoint_number(R"({"latest":{"completed":null}})"), "");
    EXPECT_EQ(newest_checkpoint_number("no json"), "");
}

}  // namespace
}  // namespace medic
