#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "agent/collectors/flink/flink.h"
#include "agent/collectors/recorded_internal.h"

namespace medic {
namespace {

using recorded::look;
using recorded::ok;

// A Flink with one job, whose job manager can go and forget it.
class ForgetfulFlink : public testing::Test {
protected:
    Observation look_at(int second) {
        return look(collector_, {second * 1'000}, [&](const std::string& url) -> Result<HttpAnswer> {
            if (!answers_) return fail(ErrorCode::unavailable, "connection refused");
            if (url.ends_with("/jobs/overview")) return ok(R"({"jobs":[)" + jobs_ + "]}");
            if (url.ends_with("/taskmanagers")) return ok(R"({"taskmanagers":[)" + task_managers_ + "]}");
            if (url.ends_with("/jars")) return ok(R"({"files":[{"id":"x","name":"j-1.jar","uploaded":900}]})");
            if (url.ends_with("/checkpoints"))
                return ok(R"({"latest":{"completed":{"id":7,"external_path":"file:/cp/chk-7"}},"history":[]})");
            if (url.ends_with("/jobs/a")) return ok(R"({"vertices":[{"id":"v","name":"v","parallelism":2}]})");
            if (url.ends_with("/jobmanager/config") && ++settings_asked_ > 0)
                return tells_settings_ ? ok(settings_) : fail(ErrorCode::unavailable, "connection reset");
            if (url.ends_with("/config")) return ok(R"({"features":{"web-submit":)" + takes_jobs_ + "}}");
            return ok("{}");
        });
    }
    std::map<std::string, std::string> told(int second) {
        const auto seen = look_at(second);
        const auto found = seen.attributes.find({"c", "lost-job", "j"});
        return found == seen.attributes.end() ? std::map<std::string, std::string>{} : found->second;
    }
    void restart_job_manager(int second) {
        answers_ = false;
        (void)look_at(second);
        answers_ = true;
        jobs_ = "";
    }
    void become(const char* process, const char* high_availability = "NONE") {
        settings_ = fmt::format(
            R"([{{"key":"web.tmpdir","value":"/tmp/flink-web-{}"}},{{"key":"high-availability.type","value":"{}"}}])",
            process, high_availability);
    }
    static std::string manager(int in_use) {
        return R"({"id":"tm-1","slotsNumber":4,"freeSlots":)" + std::to_string(4 - in_use) + "}";
    }

    FlinkCollector collector_{{.cluster = "c",
                               .url = "http://jm",
                               .target = "c/flink",
                               .artifacts = {{"j", {{"v1", "j-1.jar"}, {"v2", "j-2.jar"}}}}}};
    bool answers_ = true;
    std::string jobs_ = R"({"jid":"a","name":"j","state":"RUNNING","start-time":1000})";
    std::string task_managers_ = manager(2), settings_ = R"([{"key":"jobmanager.rpc.port","value":"6123"}])",
                takes_jobs_ = "true";
    bool tells_settings_ = true;
    int settings_asked_ = 0;
};

TEST_F(ForgetfulFlink, AJobThatWentWithItsJobManagerIsToldWithWhatWasKnownOfIt) {
    EXPECT_TRUE(told(5).empty());
    restart_job_manager(10);
    auto lost = told(15);
    EXPECT_EQ(lost.at("listed"), "false");
    EXPECT_EQ(lost.at("job_id"), "a");
    EXPECT_EQ(lost.at("state_before"), "RUNNING");
    EXPECT_EQ(lost.at("version"), "v1");
    EXPECT_EQ(lost.at("checkpoint_path"), "file:/cp/chk-7");
    EXPECT_EQ(lost.at("parallelism"), "2");
    EXPECT_EQ(lost.at("since"), "15000");
    EXPECT_EQ(lost.at("old_attempt"), "may run");  // Its slots are still taken.
    task_managers_ = manager(0);
    EXPECT_EQ(told(20).at("old_attempt"), "gone");
    jobs_ = R"({"jid":"b","name":"j","state":"RUNNING","start-time":20000})";
    lost = told(25);
    EXPECT_EQ(lost.at("listed"), "true");
    EXPECT_FALSE(lost.contains("job_id"));
}

TEST_F(ForgetfulFlink, ATaskManagerThatIsNotBackMayStillRunItsOldTasksForAWhile) {
    (void)look_at(5);
    restart_job_manager(10);
    task_managers_ = "";
    EXPECT_EQ(told(15).at("old_attempt"), "may run");
    EXPECT_EQ(told(15 + 300).at("old_attempt"), "may run");
    EXPECT_EQ(told(15 + 361).at("old_attempt"), "gone");
    task_managers_ = R"({"id":"tm-1"})";  // Says nothing of its slots.
    EXPECT_EQ(told(400).at("old_attempt"), "may run");
}

TEST_F(ForgetfulFlink, WhatHadEndedOrIsForgottenByALivingJobManagerIsNotLost) {
    jobs_ = R"({"jid":"a","name":"j","state":"CANCELED","start-time":1000})";
    (void)look_at(5);
    restart_job_manager(10);
    EXPECT_TRUE(told(15).empty());
    jobs_ = R"({"jid":"a","name":"j","state":"RUNNING","start-time":1000})";
    (void)look_at(20);
    jobs_ = "";
    EXPECT_TRUE(told(25).empty());
}

TEST_F(ForgetfulFlink, AJobIsLostWithAJobManagerThatWasBackBeforeAnybodyLooked) {
    become("0c1a");
    (void)look_at(5);
    EXPECT_EQ(settings_asked_, 1);
    (void)look_at(10);
    EXPECT_EQ(settings_asked_, 1) << "as long as nothing is missing nobody asks again";
    become("9f3e");
    jobs_ = "";
    const auto lost = told(15);
    EXPECT_EQ(lost.at("listed"), "false");
    EXPECT_EQ(lost.at("state_before"), "RUNNING");
    EXPECT_EQ(lost.at("comes_back"), "never");
    EXPECT_EQ(told(20).at("since"), "15000");
    EXPECT_EQ(settings_asked_, 2);
}

TEST_F(ForgetfulFlink, WhatIsGoneWithTheSameProcessThereHadEnded) {
    become("0c1a");
    (void)look_at(5);
    jobs_ = "";
    EXPECT_TRUE(told(10).empty());
    become("9f3e");
    EXPECT_TRUE(told(15).empty());
}

TEST_F(ForgetfulFlink, OfSeveralJobManagersAnyMayAnswer) {
    become("0c1a", "ZooKeeper");
    (void)look_at(5);
    become("9f3e", "ZooKeeper");
    jobs_ = "";
    EXPECT_TRUE(told(10).empty());
}

TEST_F(ForgetfulFlink, WhetherItIsAnotherProcessIsAskedUntilItIsTold) {
    become("0c1a");
    (void)look_at(5);
    become("9f3e");
    jobs_ = "";
    tells_settings_ = false;
    EXPECT_TRUE(told(10).empty());
    tells_settings_ = true;
    EXPECT_EQ(told(15).at("state_before"), "RUNNING");
}

TEST_F(ForgetfulFlink, HalfAnAnswerProvesNoLoss) {
    (void)look_at(5);
    restart_job_manager(10);
    task_managers_ = "nonsense";
    const auto lost = told(15);
    EXPECT_EQ(lost.at("old_attempt"), "may run");
}

TEST_F(ForgetfulFlink, WithoutHighAvailabilityASessionClusterNeverBringsItBack) {
    (void)look_at(5);
    restart_job_manager(10);
    const auto lost = told(15);
    EXPECT_EQ(lost.at("comes_back"), "never");
    EXPECT_EQ(lost.at("task_managers"), "tm-1");
    EXPECT_FALSE(lost.contains("hosts")) << "its vertices told no task manager";
}

TEST_F(ForgetfulFlink, HighAvailabilityOrApplicationModeMayBringItBack) {
    (void)look_at(5);
    restart_job_manager(10);
    settings_ = R"([{"key":"high-availability.type","value":"ZooKeeper"}])";
    EXPECT_EQ(told(15).at("comes_back"), "may");
    restart_job_manager(20);  // Who set it up differently in the meantime is asked anew.
    settings_ = R"([{"key":"high-availability","value":"none"}])";
    EXPECT_EQ(told(25).at("comes_back"), "never");
    restart_job_manager(30);
    takes_jobs_ = "false";
    EXPECT_EQ(told(35).at("comes_back"), "may");
}

TEST_F(ForgetfulFlink, ItsSchedulerIsToldOfEachJob) {
    const auto scheduler = [&](int at) {
        const Observation seen = look_at(at);
        const auto attributes = seen.attributes.find({"c", "job", "j"});
        if (attributes == seen.attributes.end()) return std::string("no job");
        const auto told = attributes->second.find("scheduler");
        return told == attributes->second.end() ? std::string("not told") : told->second;
    };
    EXPECT_EQ(scheduler(5), "default");
    const auto set_up_anew = [&](int at, const std::string& settings) {
        answers_ = false;
        (void)look_at(at);
        answers_ = true;
        settings_ = settings;
        return scheduler(at + 5);
    };
    EXPECT_EQ(set_up_anew(10, R"([{"key":"jobmanager.scheduler","value":"Adaptive"}])"), "adaptive");
    EXPECT_EQ(set_up_anew(20, R"([{"key":"jobmanager.scheduler","value":"adaptive"},)"
                              R"({"key":"scheduler-mode","value":"REACTIVE"}])"),
              "reactive");
}

TEST_F(ForgetfulFlink, WhatItDoesNotTellOfItselfIsNotGuessed) {
    settings_ = "not json";
    (void)look_at(5);
    restart_job_manager(10);
    EXPECT_EQ(told(15).at("comes_back"), "may");
}

}  // namespace
}  // namespace medic
