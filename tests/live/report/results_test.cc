#include "tests/live/report/results.h"

#include <gmock/gmock.h>

namespace medic::live {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

FaultResult healed() {
    return {.name = "taskmanager-killed",
            .engines = "3.9.1+1.20.1",
            .side = "system",
            .expected_side = "system",
            .cause = "flink.taskmanager-lost",
            .expected_cause = "flink.taskmanager-lost",
            .outcome = "healed",
            .diagnosed = Duration(2'000),
            .recover = Duration(20'500),
            .recover_without = {},
            .waited = Duration(60'000),
            .records_checked = 4'000,
            .records_lost = 0,
            .records_doubled = 0,
            .notes = {}};
}

TEST(LiveResults, a_healed_fault_with_all_figures_passes) { EXPECT_THAT(healed().failures(), IsEmpty()); }

TEST(LiveResults, a_missing_figure_is_a_failure) {
    FaultResult result = healed();
    result.waited.reset();
    EXPECT_FALSE(result.failures().empty());
    EXPECT_THAT(result.failures(Demands::outcome), IsEmpty());
    result = healed();
    result.records_lost.reset();
    EXPECT_FALSE(result.failures().empty());
    result = healed();
    result.recover.reset();
    EXPECT_FALSE(result.failures().empty());
    result = healed();
    result.records_checked = 0;
    EXPECT_FALSE(result.failures().empty());
}

TEST(LiveResults, what_only_a_person_ends_need_not_flow_again_but_must_be_named) {
    FaultResult result = healed();
    result.by_a_person = true;
    result.recover.reset();
    result.outcome = "advised";
    EXPECT_THAT(result.failures(), IsEmpty());
    result.side = result.cause = "";
    EXPECT_FALSE(result.failures().empty());
}

TEST(LiveResults, what_a_remedy_can_end_must_have_been_healed) {
    for (const char* outcome : {"advised", "waited", "acted in vain"}) {
        FaultResult result = healed();
        result.outcome = outcome;
        EXPECT_THAT(result.failures(), ElementsAre(std::string("expected to be healed, was ") + outcome));
    }
}

TEST(LiveResults, acting_in_vain_at_what_a_person_ends_is_a_failure_unless_the_fault_allows_it) {
    FaultResult result = healed();
    result.by_a_person = true;
    result.outcome = "acted in vain";
    EXPECT_THAT(result.failures(), ElementsAre("expected to be advised, was acted in vain"));
    result.may_try = true;
    EXPECT_THAT(result.failures(), IsEmpty());
    result.outcome = "healed";
    EXPECT_FALSE(result.failures().empty());
}

TEST(LiveResults, an_outcome_is_healed_only_by_the_agents_word_and_the_records) {
    EXPECT_EQ(outcome_of(false, false, true), "advised");
    EXPECT_EQ(outcome_of(true, true, true), "healed");
    EXPECT_EQ(outcome_of(true, false, true), "acted in vain");
    EXPECT_EQ(outcome_of(true, true, false), "acted in vain");
}

TEST(LiveResults, what_the_judge_saw_besides_is_a_failure) {
    FaultResult result = healed();
    result.wrongs = {"the agent does not answer"};
    EXPECT_THAT(result.failures(), ElementsAre("the agent does not answer"));
}

TEST(LiveResults, at_least_once_may_double_as_much_as_without_the_agent_and_exactly_once_nothing) {
    FaultResult result = healed();
    result.records_doubled = 5;
    result.doubled_without = 5;
    EXPECT_FALSE(result.failures().empty());
    result.exactly_once = false;
    EXPECT_THAT(result.failures(), IsEmpty());
    result.doubled_without.reset();
    EXPECT_FALSE(result.failures().empty());
    result.repeats_max = 5;
    EXPECT_THAT(result.failures(), IsEmpty());
    result.exactly_once = true;
    EXPECT_FALSE(result.failures().empty());
}

TEST(LiveResults, what_is_written_is_read_again) {
    Report report;
    FaultResult fault = healed();
    fault.may_try = true;
    fault.runs = 3;
    fault.failed_runs = 1;
    fault.wrongs = {"x"};
    report.faults = {fault};
    report.friends = {
        {.name = "short-stop", .engines = "3.9.1+1.20.1", .told = "", .actions = 0, .said = {"x"}, .notes = {}}};
    report.baselines = {{.name = "taskmanager-killed",
                         .engines = "3.9.1+1.20.1",
                         .recover = {},
                         .waited = Duration(60'000),
                         .lost = 0,
                         .doubled = 0}};
    const std::string text = render_report(report);
    const auto again = parse_report(text);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(render_report(*again), text);
    EXPECT_EQ(again->faults.at(0).recover, Duration(20'500));
    EXPECT_EQ(again->faults.at(0).recover_without, std::nullopt);
    EXPECT_EQ(again->faults.at(0).failures(), fault.failures());
}

TEST(LiveResults, another_document_is_refused) {
    EXPECT_FALSE(parse_report("{}"));
    EXPECT_FALSE(parse_report("no json"));
    EXPECT_FALSE(parse_report(R"({"schema": 1, "faults": {}})"));
}

TEST(LiveResults, the_page_says_what_fails_and_what_is_missing) {
    FaultResult result = healed();
    result.records_lost.reset();
    result.cause = "flink.peer-lost";
    Report report;
    report.faults = {result};
    report.friends = {
        {.name = "short-stop", .engines = {}, .told = "a short stop", .actions = {}, .said = {}, .notes = {}}};
    const std::string page = render_markdown(report);
    EXPECT_THAT(page, HasSubstr("**missing**"));
    EXPECT_THAT(page, HasSubstr("expected flink.taskmanager-lost"));
    EXPECT_THAT(page, HasSubstr("0 of 1"));
    EXPECT_THAT(page, HasSubstr("> 60.0 s"));
    EXPECT_THAT(page, HasSubstr("| a short stop | **missing** |"));
}

TEST(LiveResults, of_several_runs_times_are_medians_and_losses_the_worst) {
    FaultResult quick = healed(), slow = healed(), never = healed();
    slow.recover = Duration(30'000);
    slow.records_lost = 3;
    never.recover.reset();
    const FaultResult middle = middle_of({quick, slow, never});
    EXPECT_EQ(middle.recover, Duration(30'000));
    EXPECT_EQ(middle.records_lost, 3U);
    EXPECT_EQ(middle.failed_runs, 2U);
    EXPECT_THAT(middle.failures(), Contains("2 of 3 runs failed"));
}

TEST(LiveResults, a_run_that_never_recovered_does_not_vanish_among_others) {
    FaultResult never = healed();
    never.recover.reset();
    const FaultResult middle = middle_of({healed(), never, healed()});
    EXPECT_EQ(middle.recover, Duration(20'500));
    EXPECT_THAT(middle.failures(), ElementsAre("1 of 3 runs failed"));
    EXPECT_THAT(middle_of({healed(), healed()}).failures(), IsEmpty());
}

}  // namespace
}  // namespace medic::live
