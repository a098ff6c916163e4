// What the list of jobs tells: which of them are looked at, that one runs other code now, and how far Flink's clock is.
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/collectors/flink/flink.h"
#include "agent/collectors/recorded_internal.h"

namespace medic {
namespace {

using recorded::count;
using recorded::look;
using recorded::ok;
using recorded::value;

std::string job(const std::string& id, const std::string& name, const std::string& state, int start, int end = -1) {
    return R"({"jid":")" + id + R"(","name":")" + name + R"(","state":")" + state + R"(","start-time":)" +
           std::to_string(start) + R"(,"end-time":)" + std::to_string(end) + "}";
}

class ListedJobs : public testing::Test {
protected:
    explicit ListedJobs(std::size_t jobs_max = 2)
        : collector_({.cluster = "c", .url = "http://jm", .target = "c/flink", .jobs_max = jobs_max}) {}
    Observation look_at(int second) {
        return look(collector_, {second * 1'000}, [&](const std::string& url) -> Result<HttpAnswer> {
            if (status != 200) return HttpAnswer{status, "text/html", "<html>"};
            if (url.ends_with("/jobs/overview")) return ok(R"({"jobs":[)" + jobs + "]}");
            if (url.ends_with("/taskmanagers")) return ok(R"({"taskmanagers":[]})");
            if (url.ends_with("/checkpoints")) return ok(R"({"latest":{"completed":)" + completed + "}}");
            const bool of_job = url.find("/jobs/") != std::string::npos && !url.ends_with("/checkpoints/config");
            if (of_job && url.ends_with("/config"))
                return ok(R"({"execution-config":{"user-config":{"version":")" + version + R"("}}})");
            if (url.find("/exceptions") != std::string::npos) return ok(R"({"exceptionHistory":{"entries":[]}})");
            return ok("{}");
        });
    }
    std::vector<Event> deployments_at(int second) {
        auto events = look_at(second).events;
        std::erase_if(events, [](const Event& event) { return event.kind != "deployment"; });
        return events;
    }
    FlinkCollector collector_;
    int status = 200;
    std::string jobs, version = "v1", completed = "null";
};

TEST_F(ListedJobs, AProxysAnswerOrOneWithoutLeaderIsNoneOfTheJobManager) {
    const std::string reachable = R"(flink_jobmanager_reachable{cluster="c"})";
    int second = 1;
    for (status = 502; status <= 504; ++status) {
        const auto seen = look_at(++second);
        EXPECT_EQ(value(seen, reachable), 0) << status;
        EXPECT_EQ(seen.outcome, ScrapeOutcome::failed) << status;
    }
    for (const int said : {200, 401, 404, 500}) {
        status = said;
        EXPECT_EQ(value(look_at(++second), reachable), 1) << status;
    }
}

TEST_F(ListedJobs, ThoseThatLiveComeFirstThenTheLastThatEnded) {
    jobs = job("1", "a", "FINISHED", 10, 20) + "," + job("2", "b", "FINISHED", 1, 30) + "," +
           job("3", "c", "CANCELED", 11, 12) + "," + job("4", "z", "RUNNING", 5);
    const auto seen = look_at(100);
    EXPECT_EQ(value(seen, R"(flink_job_state{cluster="c",job="z",state="RUNNING"})"), 1);
    EXPECT_EQ(value(seen, R"(flink_job_state{cluster="c",job="b",state="FINISHED"})"), 1);
    EXPECT_EQ(count(seen, "flink_job_state"), 2u);
    EXPECT_EQ(seen.outcome, ScrapeOutcome::complete) << seen.error;
}

TEST_F(ListedJobs, ThatLiveAndHaveNoRoomAreMissed) {
    jobs = job("1", "a", "RUNNING", 1) + "," + job("2", "b", "RUNNING", 1) + "," + job("3", "c", "RESTARTING", 1);
    EXPECT_NE(look_at(100).error.find("more than 2 jobs that live"), std::string::npos);
}

TEST_F(ListedJobs, OneThatEndedUnseenAndHasNoRoomIsNotLost) {
    jobs = job("1", "a", "RUNNING", 1);
    (void)look_at(10);
    status = 503;
    (void)look_at(11);
    status = 200;
    jobs = job("1", "a", "FINISHED", 1, 2) + "," + job("2", "b", "RUNNING", 1) + "," + job("3", "c", "RUNNING", 1);
    EXPECT_FALSE(look_at(12).attributes.contains({"c", "lost-job", "a"}));
}

TEST_F(ListedJobs, AnAnswerWithoutLeaderIsSilenceAfterWhichJobsAreMissed) {
    jobs = job("1", "a", "RUNNING", 1);
    (void)look_at(10);
    status = 503;
    (void)look_at(11);
    status = 200;
    jobs = "";
    EXPECT_TRUE(look_at(12).attributes.contains({"c", "lost-job", "a"}));
}

TEST_F(ListedJobs, NamesakesThatLiveAreTold) {
    jobs = job("1", "a", "RUNNING", 1) + "," + job("2", "a", "RUNNING", 2) + "," + job("3", "a", "FAILED", 3, 4);
    const auto seen = look_at(100);
    EXPECT_EQ(seen.attributes.at({"c", "job", "a"}).at("id"), "2");
    EXPECT_NE(seen.error.find("2 jobs are called a: only the newest is seen"), std::string::npos) << seen.error;
    jobs = job("1", "a", "RUNNING", 1) + "," + job("3", "a", "FAILED", 3, 4);
    EXPECT_EQ(look_at(101).error.find("are called"), std::string::npos);
}

TEST_F(ListedJobs, AnotherVersionUnderTheSameIdIsADeployment) {
    jobs = job("1", "a", "RUNNING", 1'000);
    completed = R"({"id":4,"external_path":"file:/cp/4"})";
    ASSERT_EQ(deployments_at(10).size(), 1u);
    version = "v2";
    EXPECT_TRUE(deployments_at(20).empty()) << "as long as it has not begun anew, nobody asks";
    jobs = job("1", "a", "RUNNING", 25'000);
    completed = "null";
    const auto told = deployments_at(30);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].id, "c/1/deployment/25000");
    EXPECT_EQ(told[0].at, WallTime{25'000});
    EXPECT_EQ(told[0].fields.at("version"), "v2");
    EXPECT_EQ(told[0].fields.at("version_before"), "v1");
    EXPECT_EQ(told[0].fields.at("before"), "");
    const auto later = look_at(31);
    EXPECT_TRUE(later.events.empty());
    EXPECT_EQ(later.attributes.at({"c", "job", "a"}).at("last_good_version"), "v1");
    ASSERT_EQ(later.job_runs.size(), 1u);
    EXPECT_EQ(later.job_runs[0].good_version, "v1") << "v2 has completed no checkpoint";
}

TEST_F(ListedJobs, AFailoverOfTheJobManagerIsNoDeployment) {
    jobs = job("1", "a", "RUNNING", 1'000);
    EXPECT_EQ(deployments_at(10).size(), 1u);
    jobs = job("1", "a", "RUNNING", 15'000);
    EXPECT_TRUE(deployments_at(20).empty());
}

TEST(JobManagersClock, TellsHowOldAHeartbeatIs) {
    const std::int64_t flinks = 1'795'339'880'000;
    const auto age = [&](std::int64_t ahead, const std::string& jobs) {
        FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink"});
        const auto seen = look(collector, {flinks - ahead}, [&](const std::string& url) -> Result<HttpAnswer> {
            if (url.ends_with("/jobs/overview")) return ok(R"({"jobs":[)" + jobs + "]}");
            if (url.ends_with("/taskmanagers"))
                return ok(R"({"taskmanagers":[{"id":"t","timeSinceLastHeartbeat":)" + std::to_string(flinks - 4'000) +
                          "}]}");
            return ok("{}");
        });
        return value(seen, R"(flink_taskmanager_heartbeat_age_seconds{cluster="c",taskmanager="t"})").value_or(-1);
    };
    const std::string running = R"({"jid":"1","name":"a","state":"RUNNING","start-time":)" +
                                std::to_string(flinks - 60'000) + R"(,"duration":60000})";
    EXPECT_DOUBLE_EQ(age(0, running), 4);
    EXPECT_DOUBLE_EQ(age(600'000, running), 4);
    EXPECT_DOUBLE_EQ(age(-600'000, running), 4);
    EXPECT_DOUBLE_EQ(age(-600'000, ""), 604) << "no job tells its clock: ours is taken";
}

TEST(Exceptions, MayBeLongButNotLate) {
    FlinkCollector collector({.cluster = "c", .url = "http://jm", .target = "c/flink"});
    const auto first = collector.begin({1'000});
    ASSERT_FALSE(first.empty());
    const auto asks = collector.answer(first[0], ok(R"({"jobs":[)" + job("1", "a", "RUNNING", 1) + "]}"));
    const auto exceptions = std::ranges::find(asks, std::string("exceptions|1"), &HttpAsk::purpose);
    ASSERT_NE(exceptions, asks.end());
    EXPECT_EQ(exceptions->bytes_max, 64u * 1024 * 1024);
    EXPECT_EQ(exceptions->timeout, Duration{3'000});
}

}  // namespace
}  // namespace medic
