#include "agent/bundle/weigh.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace medic::bundle {
namespace {

constexpr std::int64_t end_ms = 1'764'331'200'000;  // 2025-11-28T12:00:00Z

// Two minutes of a job's state, a sample every five seconds.
std::string state_of(const std::string& job, const std::string& state) {
    std::string samples;
    for (std::int64_t at = end_ms - 120'000; at <= end_ms; at += 5'000)
        samples += fmt::format("{}[{},1.0]", samples.empty() ? "" : ",", at);
    return fmt::format(R"({{"labels":{{"__name__":"flink_job_state","cluster":"c","job":"{}","state":"{}"}},)"
                       R"("samples":[{}]}})",
                       job, state, samples) +
           "\n";
}

const char* const null_pointer =
    R"~({"at":"2025-11-28T11:59:30Z","subject":"c:job/fraud","kind":"exception","text":"java.lang.NullPointerException: Cannot invoke \"com.acme.Rule.score()\"\n\tat com.acme.Fraud.map(Fraud.java:12)\n\tat org.apache.flink.streaming.api.operators.StreamMap.processElement(StreamMap.java:38)","fields":{"exception":"java.lang.NullPointerException","task":"score"}})~"
    "\n";

std::vector<File> failing() {
    return {{"series.jsonl", state_of("fraud", "RESTARTING")},
            {"events.jsonl", null_pointer},
            {"topology.jsonl", R"({"from":"c:job/fraud","kind":"runs-on","to":"c:taskmanager/tm-1"})"
                               "\n"},
            {"config.yaml",
             "schema: 1\ndata_dir: d\nclusters:\n  c:\n    flink: [{url: \"http://f:8081\"}]\n    owners: "
             "{\"job:fraud\": team-fraud}\n"}};
}

TEST(Weigh, a_failing_job_is_found_in_the_bundles_own_observations) {
    const auto weighed = weigh_anew(failing());
    ASSERT_TRUE(weighed) << weighed.error().message;
    EXPECT_EQ(weighed->at.unix_ms, end_ms);
    EXPECT_EQ(weighed->note, "");
    ASSERT_FALSE(weighed->diagnoses.empty());
    const Diagnosis& first = weighed->diagnoses[0];
    EXPECT_FALSE(first.abstains());
    EXPECT_EQ(first.side, Side::user);
    EXPECT_EQ(first.subject, (Subject{"c", "job", "fraud"}));
    EXPECT_EQ(first.owner, "team-fraud");
}

TEST(Weigh, a_job_that_runs_has_nothing_wrong) {
    auto files = failing();
    files[0].text = state_of("fraud", "RUNNING");
    files[1].text.clear();
    const auto weighed = weigh_anew(files);
    ASSERT_TRUE(weighed);
    EXPECT_TRUE(weighed->diagnoses.empty());
}

TEST(Weigh, what_is_missing_is_said_and_without_samples_nothing_is_weighed) {
    auto files = failing();
    files.resize(2);  // Neither topology nor configuration.
    const auto weighed = weigh_anew(files);
    ASSERT_TRUE(weighed);
    EXPECT_NE(weighed->note.find("without the topology"), std::string::npos);
    EXPECT_NE(weighed->note.find("owners are roles"), std::string::npos);
    ASSERT_FALSE(weighed->diagnoses.empty());
    EXPECT_NE(weighed->diagnoses[0].owner, "team-fraud");
    EXPECT_EQ(weigh_anew({}).error().code, ErrorCode::not_ready);
    EXPECT_EQ(
        weigh_anew({{"series.jsonl", "not json\n{}\n{\"labels\":{\"__name__\":\"x\"},\"samples\":[[\"a\",1]]}\n"}})
            .error()
            .code,
        ErrorCode::not_ready);
}

TEST(Weigh, what_a_stranger_wrote_is_bounded) {
    auto files = failing();
    const auto few = weigh_anew(files, {.samples_max = 3, .events_max = 0});
    ASSERT_TRUE(few);
    EXPECT_EQ(few->at.unix_ms, end_ms - 110'000);
}

TEST(Weigh, what_differs_is_told_line_by_line) {
    const auto of = [](const char* cause, const char* job) {
        Diagnosis one;
        one.cause = cause;
        one.subject = {"c", "job", job};
        one.side = Side::user;
        one.confidence = 0.9;
        return one;
    };
    const auto lines = compared({of("a", "same"), of("a", "other"), of("a", "gone")},
                                {of("a", "same"), of("b", "other"), of("a", "new")});
    EXPECT_EQ(lines,
              (std::vector<std::string>{
                  "the same: a of c:job/same (user side, 90 %)",
                  "another cause: b of c:job/other (user side, 90 %), where the bundle says a of c:job/other "
                  "(user side, 90 %)",
                  "new: a of c:job/new (user side, 90 %)", "not found any more: a of c:job/gone (user side, 90 %)"}));
    EXPECT_TRUE(compared({}, {}).empty());
}

}  // namespace
}  // namespace medic::bundle
