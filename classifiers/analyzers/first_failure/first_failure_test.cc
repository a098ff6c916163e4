#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

const Subject job = Scene::lab("job", "fleet");

std::string null_at(const std::string& frame) {
    return "java.lang.NullPointerException: server of topic events partition 1 offset 42\n\tat " + frame +
           "(libfleet.so+0x1)\n\tat medic::engine::flow::Task::run()(medic-engine+0x2)\n";
}
const std::string lost_peer =
    "org.apache.flink.runtime.io.network.netty.exception.RemoteTransportException: Connection unexpectedly closed by "
    "remote "
    "task manager 'tm-1'. This might indicate that the remote task manager was lost.\n";

TEST(FirstFailure, SurvivesLaterFailures) {
    Scene scene;
    scene.event(10, job, "exception", null_at("fleet::Enrich::map()"), {{"taskmanager", "tm-1"}})
        .event(20, job, "exception",
               "java.lang.IllegalStateException: second\n\tat fleet::Other::x()(libfleet.so+0x9)\n");
    const auto found = scene.findings("first-failure", 30);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("exception"), "java.lang.NullPointerException");
    EXPECT_EQ(found[0].fields.at("frame_owner"), "user");
    EXPECT_EQ(found[0].fields.at("record_topic"), "events");
    EXPECT_EQ(found[0].fields.at("record_offset"), "42");
    EXPECT_EQ(found[0].fields.at("taskmanager"), "tm-1");
    EXPECT_EQ(found[0].since, Scene::at(10));
}

TEST(FirstFailure, LostPeersNeverHideTheFailureThatCameWithThem) {
    Scene scene;
    scene.event(10, job, "exception", lost_peer).event(11, job, "exception", null_at("fleet::Enrich::map()"));
    EXPECT_EQ(scene.findings("first-failure", 30)[0].fields.at("exception"), "java.lang.NullPointerException");
}

// On Linux the channel's own error is the root: Flink 2.0 with epoll, as a job gave it when a task manager was killed.
TEST(FirstFailure, ABrokenConnectionIsALostPeerWhateverTheChannelsErrorIsCalled) {
    const std::string epoll =
        "org.apache.flink.runtime.io.network.netty.exception.LocalTransportException: recvAddress(..) failed: "
        "Connection reset by peer (connection to '127.0.0.1/127.0.0.1:30100 [ 127.0.0.1:30100-2f96d8 ] ')\n"
        "\tat org.apache.flink.runtime.io.network.netty.CreditBasedPartitionRequestClientHandler.exceptionCaught("
        "CreditBasedPartitionRequestClientHandler.java:171)\n"
        "Caused by: org.apache.flink.shaded.netty4.io.netty.channel.unix.Errors$NativeIoException: recvAddress(..) "
        "failed: Connection reset by peer\n";
    Scene scene;
    scene.event(10, job, "exception", epoll).event(11, job, "exception", null_at("fleet::Enrich::map()"));
    EXPECT_EQ(scene.findings("first-failure", 30)[0].fields.at("exception"), "java.lang.NullPointerException");
    // What a peer reports of the job's own code is the job's.
    Scene told_by_peer;
    told_by_peer
        .event(10, job, "exception",
               "org.apache.flink.runtime.io.network.netty.exception.RemoteTransportException: Error at remote task "
               "manager 'tm-1'.\nCaused by: java.lang.IllegalStateException: no region\n\tat "
               "fleet::Enrich::map()(libfleet.so+0x1)\n")
        .event(11, job, "exception", null_at("fleet::Other::map()"));
    EXPECT_EQ(told_by_peer.findings("first-failure", 30)[0].fields.at("exception"), "java.lang.IllegalStateException");
}

TEST(FirstFailure, ALongTimeLaterIsAnotherEpisode) {
    Scene scene;
    scene.event(10, job, "exception", lost_peer).event(2'000, job, "exception", null_at("fleet::Enrich::map()"));
    EXPECT_EQ(scene.findings("first-failure", 2'010)[0].since, Scene::at(2'000));
}

TEST(FirstFailure, ARecoveredJobsOtherFailureIsAnotherEpisode) {
    Scene scene;
    scene.event(10, job, "exception", lost_peer)
        .event(150, job, "exception", null_at("fleet::Enrich::map()"))
        .constant("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}}, 1);
    EXPECT_EQ(scene.findings("first-failure", 160).at(0).since, Scene::at(150));
}

// A task manager is lost, the job goes on, and soon after its own function fails.
TEST(FirstFailure, AJobThatCompletedACheckpointSinceItsPeerWasLostFailsByItself) {
    const auto checkpoints = [](const std::function<double(int)>& completed) {
        Scene scene;
        scene.event(10, job, "exception", lost_peer).event(40, job, "exception", null_at("fleet::Enrich::map()"));
        scene.series("flink_checkpoints_completed_total", {{"job", "fleet"}}, completed);
        return scene.findings("first-failure", 60).at(0).since;
    };
    EXPECT_EQ(checkpoints([](int s) { return s < 25 ? 7.0 : 8.0; }), Scene::at(40));
    EXPECT_EQ(checkpoints([](int) { return 7.0; }), Scene::at(10)) << "it never got going";
    EXPECT_EQ(checkpoints([](int s) { return s < 12 ? 7.0 : 8.0; }), Scene::at(10)) << "of before the loss, told late";
    EXPECT_EQ(checkpoints([](int s) { return s < 45 ? 7.0 : 8.0; }), Scene::at(10)) << "of after the second failure";
    Scene unseen;
    unseen.event(10, job, "exception", lost_peer).event(40, job, "exception", null_at("fleet::Enrich::map()"));
    EXPECT_EQ(unseen.findings("first-failure", 60).at(0).since, Scene::at(10)) << "nobody looked";
}

TEST(FirstFailure, UserCodeThatFailsAfterTheJobRanAgainFailsByItself) {
    const auto ran = [](const std::string& second, int from, int to) {
        Scene scene;
        scene.event(10, job, "exception", lost_peer).event(40, job, "exception", second);
        scene.series("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}},
                     [=](int s) { return s >= from && s < to ? 1.0 : 0.0; });
        return scene.findings("first-failure", 60).at(0).since;
    };
    EXPECT_EQ(ran(null_at("fleet::Enrich::map()"), 30, 39), Scene::at(40));
    EXPECT_EQ(ran(null_at("fleet::Enrich::map()"), 100, 120), Scene::at(10)) << "it did not run in between";
    EXPECT_EQ(ran(null_at("fleet::Enrich::map()"), 0, 13), Scene::at(10)) << "of before the loss, told late";
    EXPECT_EQ(ran("java.lang.IllegalStateException: x\n\tat org.apache.kafka.clients.producer.KafkaProducer.send"
                  "(KafkaProducer.java:1)\n",
                  30, 39),
              Scene::at(10))
        << "not the user's";
}

TEST(FirstFailure, UserCodeThatFailsTimeAndAgainIsNotALostPeersEffect) {
    Scene scene;  // Restarts a minute apart, each so short that nobody saw it run.
    scene.event(10, job, "exception", lost_peer).event(70, job, "exception", null_at("fleet::Enrich::map()"));
    EXPECT_EQ(scene.findings("first-failure", 80).at(0).since, Scene::at(10)) << "once may be an effect";
    scene.event(130, job, "exception", null_at("fleet::Enrich::map()"));
    EXPECT_EQ(scene.findings("first-failure", 140).at(0).since, Scene::at(70));
    scene.event(135, job, "exception", lost_peer);
    EXPECT_EQ(scene.findings("first-failure", 140).at(0).since, Scene::at(70));

    Scene losing;  // Task managers are lost in between: they may be what user code meets.
    losing.event(10, job, "exception", lost_peer)
        .event(40, job, "exception", null_at("fleet::Enrich::map()"))
        .event(50, job, "exception", lost_peer)
        .event(70, job, "exception", null_at("fleet::Enrich::map()"));
    EXPECT_EQ(losing.findings("first-failure", 80).at(0).since, Scene::at(10));
}

TEST(FirstFailure, APeerThatIsLostAgainMuchLaterIsAnotherEpisode) {
    Scene scene;
    scene.event(10, job, "exception", lost_peer)
        .event(150, job, "exception", lost_peer)
        .constant("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}}, 1);
    EXPECT_EQ(scene.findings("first-failure", 160).at(0).since, Scene::at(150));
}

TEST(FirstFailure, ACheckpointBetweenTwoFailuresOfItsOwnMakesNoOtherEpisode) {
    Scene scene;
    scene.event(10, job, "exception", null_at("fleet::Enrich::map()")).event(40, job, "exception", lost_peer);
    scene.series("flink_checkpoints_completed_total", {{"job", "fleet"}}, [](int s) { return s < 25 ? 7.0 : 8.0; });
    EXPECT_EQ(scene.findings("first-failure", 60).at(0).since, Scene::at(10));
}

// A person mends one fault, the job runs and takes its checkpoints, and a minute later another one shows.
TEST(FirstFailure, AJobThatRanAndTookACheckpointForAWhileFailsAnewByAnotherFailure) {
    const auto since = [](int runs_from, const std::string& frame, int checkpoint_at) {
        Scene scene;
        scene.event(10, job, "exception", null_at("fleet::Enrich::map()"))
            .event(80, job, "exception", null_at(frame))
            .series("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}},
                    [=](int s) { return s >= runs_from && s < 80 ? 1.0 : 0.0; })
            .series("flink_checkpoints_completed_total", {{"job", "fleet"}},
                    [=](int s) { return s < checkpoint_at ? 7.0 : 8.0; });
        return scene.findings("first-failure", 85).at(0).since;
    };
    const std::string other = "fleet::Other::map()";
    EXPECT_EQ(since(20, other, 40), Scene::at(80));
    EXPECT_EQ(since(60, other, 65), Scene::at(10)) << "most of the time it did not run";
    EXPECT_EQ(since(20, other, 200), Scene::at(10)) << "running without a checkpoint may be waiting";
    EXPECT_EQ(since(20, "fleet::Enrich::map()", 40), Scene::at(10)) << "the same one is not over";
}

// A developer has mended the first one, deployed the job anew, and meets the next one at once.
TEST(FirstFailure, ARunThatWasStartedAnewFailsByItself) {
    const auto first_of = [](const std::string& second_run, bool ran, const std::string& second) {
        Scene scene;
        scene
            .series("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}},
                    [=](int s) { return s < 10 || (ran && s >= 20 && s < 40) ? 1 : 0; })
            .event(10, job, "exception", null_at("fleet::Enrich::map()"), {{"job_id", "a1"}})
            .event(40, job, "exception", second, {{"job_id", second_run}});
        return scene.findings("first-failure", 45).at(0).fields.at("exception");
    };
    const std::string cast = "java.lang.ClassCastException: text\n\tat fleet::Other::x()(libfleet.so+0x9)\n",
                      null = "java.lang.NullPointerException";
    EXPECT_EQ(first_of("b2", true, cast), "java.lang.ClassCastException");
    EXPECT_EQ(first_of("a1", true, cast), null) << "Flink's own restart";
    EXPECT_EQ(first_of("b2", false, cast), null) << "it never ran";
    EXPECT_EQ(first_of("b2", true, lost_peer), null) << "what lost peers tell is no failure of its own";
}

TEST(FirstFailure, ARunThatWasStartedAnewFailsByItselfAlsoAfterALostPeer) {
    Scene scene;
    scene
        .series("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}},
                [](int s) { return s < 10 || (s >= 20 && s < 40) ? 1 : 0; })
        .event(10, job, "exception", null_at("fleet::Enrich::map()"), {{"job_id", "a1"}})
        .event(38, job, "exception", lost_peer, {{"job_id", "b2"}})
        .event(40, job, "exception", "java.lang.ClassCastException: text\n\tat fleet::Other::x()(libfleet.so+0x9)\n",
               {{"job_id", "b2"}});
    EXPECT_EQ(scene.findings("first-failure", 45).at(0).fields.at("exception"), "java.lang.ClassCastException");
}

// Its settings were mended, it worked for a while, and then a record came that it can't read.
TEST(FirstFailure, AConnectorTaskThatRanForAWhileFailsAnewByAnotherFailure) {
    const auto first_of = [](int runs_from, const std::string& second, int records_until = 0) {
        const Subject task = Scene::lab("connector-task", "orders/0");
        Scene scene;
        scene
            .series("connect_task_state",
                    {{"connector", "orders"}, {"task", "0"}, {"worker", "w:8083"}, {"state", "RUNNING"}},
                    [=](int s) { return s >= runs_from && s < 100 ? 1.0 : 0.0; })
            .series("connect_task_records_total", {{"connector", "orders"}, {"task", "0"}, {"worker", "w:8083"}},
                    [=](int s) { return 7.0 * std::min(s, records_until); })
            .event(10, task, "exception", "org.apache.kafka.common.config.ConfigException: file is not there\n")
            .event(100, task, "exception", second);
        return scene.findings("first-failure", 105).at(0).fields.at("exception");
    };
    const std::string data = "org.apache.kafka.connect.errors.DataException: cut off\n",
                      settings = "org.apache.kafka.common.config.ConfigException";
    EXPECT_EQ(first_of(20, data), "org.apache.kafka.connect.errors.DataException");
    EXPECT_EQ(first_of(80, data), settings) << "it hardly ran";
    EXPECT_EQ(first_of(80, data, 95), "org.apache.kafka.connect.errors.DataException") << "it passed records on";
    EXPECT_EQ(first_of(80, data, 10), settings) << "none since its first failure";
}

// As long as a restart of it takes to be proven: what fails after that is told anew.
TEST(FirstFailure, AConnectorTaskThatRunsAgainIsNotToldOfBeyondItsHealing) {
    const auto told = [](int now, const char* state) {
        const Subject task = Scene::lab("connector-task", "orders/0");
        Scene scene;
        scene.event(10, task, "exception", "java.net.ConnectException: Connection refused\n")
            .attribute(task, "state", state);
        return !scene.findings("first-failure", now).empty();
    };
    EXPECT_TRUE(told(54, "RUNNING"));
    EXPECT_FALSE(told(56, "RUNNING"));
    EXPECT_TRUE(told(300, "FAILED"));
}

TEST(FirstFailure, TheSameFailureAfterTwoMinutesIsTheSameEpisode) {
    Scene scene;
    scene.event(10, job, "exception", null_at("fleet::Enrich::map()"))
        .event(150, job, "exception", null_at("fleet::Enrich::map()"))
        .constant("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}}, 1);
    EXPECT_EQ(scene.findings("first-failure", 160).at(0).since, Scene::at(10));
}

TEST(FirstFailure, WhatAJobThatNeverCameBackMeetsBelongsToTheFirst) {
    Scene scene;
    scene.event(10, job, "exception", null_at("fleet::Enrich::map()"))
        .event(150, job, "exception", lost_peer)
        .constant("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}}, 0)
        .constant("flink_job_state", {{"job", "fleet"}, {"state", "RESTARTING"}}, 1);
    EXPECT_EQ(scene.findings("first-failure", 160).at(0).since, Scene::at(10));
    Scene waited;
    waited.event(10, job, "exception", null_at("fleet::Enrich::map()"))
        .event(320, job, "exception",
               "org.apache.flink.runtime.jobmanager.scheduler.NoResourceAvailableException: Could not acquire the "
               "minimum required resources.\n");
    EXPECT_EQ(waited.findings("first-failure", 330).at(0).since, Scene::at(10));
}

TEST(FirstFailure, EndsAfterAQuietMinuteOfRunningOrWithANewDeployment) {
    Scene scene;
    scene.event(10, job, "exception", null_at("fleet::Enrich::map()"))
        .constant("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}}, 1);
    EXPECT_EQ(scene.findings("first-failure", 40).size(), 1U);
    EXPECT_TRUE(scene.findings("first-failure", 120).empty());
    scene.event(20, job, "deployment", "job j2 started", {{"job_id", "j2"}, {"before", "j1"}});
    EXPECT_TRUE(scene.findings("first-failure", 40).empty());
}

TEST(FirstFailure, StaysOpenWhileTheJobDoesNotRun) {
    Scene scene;
    scene.event(10, job, "exception", null_at("fleet::Enrich::map()"))
        .constant("flink_job_state", {{"job", "fleet"}, {"state", "RESTARTING"}}, 1);
    EXPECT_EQ(scene.findings("first-failure", 300).size(), 1U);
}

TEST(FirstFailure, AnOldFailureSaysNothingOfANewOutage) {
    Scene scene;
    scene.event(10, job, "exception", null_at("fleet::Enrich::map()"))
        .series("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}},
                [](int s) { return s > 20 && s < 300 ? 1.0 : 0.0; })
        .series("flink_job_state", {{"job", "fleet"}, {"state", "RESTARTING"}},
                [](int s) { return s >= 300 ? 1.0 : 0.0; });
    EXPECT_TRUE(scene.findings("first-failure", 303).empty());
    scene.event(301, job, "exception", lost_peer);
    EXPECT_EQ(scene.findings("first-failure", 305).at(0).since, Scene::at(301));
}

TEST(FirstFailure, NoExceptionNoFinding) { EXPECT_TRUE(Scene{}.findings("first-failure", 10).empty()); }

}  // namespace
}  // namespace medic::analyzers
