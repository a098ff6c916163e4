#include <gtest/gtest.h>

#include <algorithm>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

using Pairs = std::vector<LabelPair>;

// Three brokers; the looks at Kafka are one a second.
struct Brokers {
    Scene scene;
    int gone = 60, back = 1 << 20;  // Of broker 2.
    bool clean = true;              // It signs off; a killed one is listed, and leads, for nine seconds more.
    bool listed_known = true;       // Metadata could be read.
    double partitions_held = 6;     // While it is there.
    Scene& play() {
        const auto there = [this](int s) { return s < gone || s >= back; };
        const auto counted = [this, there](int s) { return there(s) || (!clean && s < gone + 9); };
        for (const std::string id : {"1", "3"}) {
            const Pairs broker{{"broker", id}};
            scene.constant("kafka_broker_reachable", broker, 1)
                .constant("kafka_broker_up", broker, 1)
                .constant("kafka_broker_partitions", broker, 6)
                .constant("kafka_broker_leaders", broker, 3);
        }
        const Pairs broker{{"broker", "2"}};
        scene.series("kafka_broker_reachable", broker, [=](int s) { return there(s) ? 1.0 : 0.0; });
        scene.series("process_up", {{"node", "broker-2"}, {"role", "broker"}},
                     [=](int s) { return there(s) ? 1.0 : 0.0; });
        if (listed_known) {
            scene.series("kafka_broker_up", broker, [=](int s) { return counted(s) ? 1.0 : 0.0; });
            scene.series("kafka_broker_leaders", broker, [=](int s) { return counted(s) ? 2.0 : 0.0; });
        }
        const double held = partitions_held;
        scene.series("kafka_broker_partitions", broker, [=](int s) -> std::optional<double> {
            if (held > 0) return held;
            return counted(s) ? std::optional(s < 30 ? 6.0 : 0.0) : std::nullopt;
        });
        scene.relation(Scene::lab("broker", "2"), "hosted-by", Scene::lab("node", "broker-2"));
        return scene;
    }
};

std::vector<Finding> planned(const Scene& scene, int second) { return scene.findings("planned-work", second); }
bool explains(const Finding& finding) { return finding.fields.at("explains") == "true"; }

TEST(PlannedBroker, AControlledShutdownIsRecognisedAtTheFirstLook) {
    Brokers brokers;
    const auto found = planned(brokers.play(), 60);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("broker", "2"));
    EXPECT_EQ(found[0].fields.at("kind"), "stop");
    EXPECT_EQ(found[0].fields.at("node"), "broker-2");
    EXPECT_TRUE(explains(found[0]));
    EXPECT_EQ(found[0].evidence.at(0).ref, "kafka_broker_up");
}

TEST(PlannedBroker, AKilledOneIsNone) {
    Brokers brokers;
    brokers.clean = false;
    const auto& scene = brokers.play();
    for (const int second : {61, 65, 69, 75, 120}) EXPECT_TRUE(planned(scene, second).empty()) << second;
    EXPECT_EQ(scene.findings("broker-lost", 62).size(), 1U) << "told as soon as before";
}

TEST(PlannedBroker, NothingWhereMembershipCouldNotBeRead) {
    Brokers brokers;
    brokers.listed_known = false;
    EXPECT_TRUE(planned(brokers.play(), 65).empty());
}

TEST(PlannedBroker, NothingWhereNobodyLookedWhenItWent) {
    Scene scene;
    const auto look = [](int s, double then) -> std::optional<double> {
        if (s > 50 && s < 65) return std::nullopt;
        return s <= 50 ? 1 : then;
    };
    scene.series("kafka_broker_reachable", {{"broker", "2"}}, [=](int s) { return look(s, 0); })
        .series("kafka_broker_up", {{"broker", "2"}}, [=](int s) { return look(s, 0); });
    EXPECT_TRUE(planned(scene, 70).empty()) << "its session may have ended meanwhile";
}

TEST(PlannedBroker, LeadersMovedAwayBeforehandAreEnough) {
    Scene scene;
    scene.series("kafka_broker_reachable", {{"broker", "2"}}, [](int s) { return s < 60 ? 1.0 : 0.0; })
        .constant("kafka_broker_up", {{"broker", "2"}}, 1)
        .series("kafka_broker_leaders", {{"broker", "2"}}, [](int s) { return s < 58 ? 4.0 : 0.0; });
    EXPECT_EQ(planned(scene, 61).size(), 1U);
    Scene idle;  // It led nothing all along: that proves nothing.
    idle.series("kafka_broker_reachable", {{"broker", "2"}}, [](int s) { return s < 60 ? 1.0 : 0.0; })
        .constant("kafka_broker_up", {{"broker", "2"}}, 1)
        .constant("kafka_broker_leaders", {{"broker", "2"}}, 0);
    EXPECT_TRUE(planned(idle, 61).empty());
}

TEST(PlannedBroker, ItEndsWhenTheBrokerIsBackAndSettled) {
    Brokers brokers;
    brokers.back = 100;
    const auto& scene = brokers.play();
    EXPECT_EQ(planned(scene, 120).size(), 1U);
    EXPECT_TRUE(planned(scene, 161).empty());
}

TEST(PlannedBroker, OneThatStaysAwayIsADoubt) {
    Brokers brokers;
    const auto& scene = brokers.play();
    EXPECT_TRUE(explains(planned(scene, 359).at(0)));
    const auto late = planned(scene, 361);
    ASSERT_EQ(late.size(), 1U);
    EXPECT_FALSE(explains(late[0]));
    EXPECT_NE(late[0].summary.find("planned_grace"), std::string::npos);
}

TEST(PlannedBroker, ASecondOneAwayIsADoubt) {
    Brokers brokers;
    brokers.play().series("kafka_broker_reachable", {{"broker", "4"}}, [](int s) { return s < 70 ? 1.0 : 0.0; });
    brokers.scene.constant("kafka_broker_partitions", {{"broker", "4"}}, 6);
    EXPECT_TRUE(explains(planned(brokers.scene, 69).at(0)));
    const auto found = planned(brokers.scene, 71);
    ASSERT_FALSE(found.empty());
    EXPECT_FALSE(explains(found[0]));
    EXPECT_NE(found[0].summary.find("broker 4"), std::string::npos);
}

TEST(PlannedBroker, PartitionsThatSufferAreADoubt) {
    Brokers offline;
    offline.play().series("kafka_partition_leader", {{"topic", "t"}, {"partition", "0"}},
                          [](int s) { return s < 65 ? 1.0 : -1.0; });
    EXPECT_TRUE(explains(planned(offline.scene, 64).at(0)));
    EXPECT_FALSE(explains(planned(offline.scene, 66).at(0)));

    Brokers thin;
    thin.play().series("kafka_partition_in_sync_replicas", {{"topic", "t"}, {"partition", "0"}},
                       [](int s) { return s < 65 ? 2.0 : 1.0; });
    EXPECT_TRUE(explains(planned(thin.scene, 66).at(0))) << "its minimum is not known";
    thin.scene.attribute(Scene::lab("topic", "t"), "min.insync.replicas", "2");
    EXPECT_FALSE(explains(planned(thin.scene, 66).at(0)));
}

TEST(PlannedBroker, OneByOneIsARoll) {
    Brokers brokers;
    brokers.play().series("kafka_broker_reachable", {{"broker", "5"}},
                          [](int s) { return s < 20 || s > 30 ? 1.0 : 0.0; });
    brokers.scene.series("kafka_broker_up", {{"broker", "5"}}, [](int s) { return s < 20 || s > 30 ? 1.0 : 0.0; });
    const auto found = planned(brokers.scene, 65);
    const auto second = std::ranges::find(found, Scene::lab("broker", "2"), &Finding::subject);
    ASSERT_NE(second, found.end());
    EXPECT_EQ(second->fields.at("kind"), "roll");
}

TEST(PlannedBroker, ADrainedOneMayStayAway) {
    Brokers brokers;
    brokers.partitions_held = 0;
    const auto found = planned(brokers.play(), 600);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("kind"), "decommission");
    EXPECT_TRUE(explains(found[0]));
}

Scene task_manager(int gone) {
    Scene scene;
    scene.series("process_up", {{"node", "tm-1"}, {"role", "taskmanager"}}, [=](int s) { return s < gone ? 1.0 : 0.0; })
        .constant("process_up", {{"node", "tm-2"}, {"role", "taskmanager"}}, 1);
    return scene;
}

TEST(PlannedTaskManager, ItsOwnLogOrItsJobSaysThatItWasStopped) {
    Scene logged = task_manager(60);
    logged.event(59, Scene::lab("node", "tm-1"), "clean-stop", "RECEIVED SIGNAL 15: SIGTERM", {{"node", "tm-1"}});
    ASSERT_EQ(planned(logged, 62).size(), 1U);
    EXPECT_TRUE(explains(planned(logged, 62)[0]));
    Scene said = task_manager(60);
    said.event(60, Scene::lab("job", "orders"), "exception",
               "org.apache.flink.util.FlinkException: The TaskExecutor is shutting down.");
    EXPECT_TRUE(planned(said, 62).empty()) << "whether the job ran is not known";
    Scene ran = said;
    ran.series("flink_job_state", {{"job", "orders"}, {"state", "RUNNING"}}, [](int s) { return s < 60 ? 1.0 : 0.0; });
    EXPECT_EQ(planned(ran, 62).size(), 1U);
    said.series("flink_job_state", {{"job", "orders"}, {"state", "RUNNING"}}, [](int s) { return s < 30 ? 1.0 : 0.0; });
    EXPECT_TRUE(planned(said, 62).empty()) << "what made the job fail may have brought it down";
    Scene systemd = task_manager(60);
    systemd.series("process_stopped_in_order", {{"node", "tm-1"}, {"role", "taskmanager"}},
                   [](int s) { return s < 61 ? std::nullopt : std::optional(1.0); });
    EXPECT_EQ(planned(systemd, 62).size(), 1U);
}

TEST(PlannedTaskManager, WhatItsServiceManagerSaidHoldsUntilItsReturnIsSettled) {
    const auto restarted = [](std::optional<double> said, int said_at = 61) {
        Scene scene;
        scene
            .series("process_up", {{"node", "tm-1"}, {"role", "taskmanager"}},
                    [](int s) { return s < 60 || s >= 70 ? 1.0 : 0.0; })
            .series("process_stopped_in_order", {{"node", "tm-1"}, {"role", "taskmanager"}},
                    [=](int s) { return s >= said_at && s < said_at + 9 ? said : std::nullopt; });
        return scene;
    };
    EXPECT_EQ(planned(restarted(1.0), 90).size(), 1U);
    EXPECT_TRUE(planned(restarted(1.0), 140).empty()) << "settled";
    EXPECT_TRUE(planned(restarted(0.0), 90).empty()) << "it was killed";
    EXPECT_TRUE(planned(restarted(std::nullopt), 90).empty()) << "nobody said";
    EXPECT_TRUE(planned(restarted(1.0, 20), 90).empty()) << "said of an earlier stop";
}

TEST(PlannedWorker, WhatItsServiceManagerSaidIsEnoughAlsoAfterItsReturn) {
    const auto restarted = [](double said) {
        Scene scene;
        scene
            .series("connect_worker_reachable", {{"worker", "w1"}}, [](int s) { return s < 60 || s >= 75 ? 1.0 : 0.0; })
            .constant("connect_worker_reachable", {{"worker", "w2"}}, 1)
            .series("process_stopped_in_order", {{"node", "connect-1"}, {"role", "connect-worker"}},
                    [=](int s) { return s >= 62 && s < 70 ? std::optional(said) : std::nullopt; })
            .relation(Scene::lab("worker", "w1"), "hosted-by", Scene::lab("node", "connect-1"));
        return scene;
    };
    EXPECT_EQ(planned(restarted(1), 65).size(), 1U);
    EXPECT_EQ(planned(restarted(1), 90).size(), 1U);
    EXPECT_TRUE(planned(restarted(0), 90).empty());
    Scene starting = restarted(1);
    starting.series("process_stopped_in_order", {{"node", "connect-1"}, {"role", "connect-worker"}, {"look", "later"}},
                    [](int s) { return s >= 70 && s < 74 ? std::optional(0.0) : std::nullopt; });
    EXPECT_EQ(planned(starting, 90).size(), 1U) << "it is being started again";
}

TEST(PlannedJobManager, OneWhoseLogSaysThatItWasAskedTo) {
    Scene gone;
    gone.series("process_up", {{"node", "jm"}, {"role", "jobmanager"}}, [](int s) { return s < 60 ? 1.0 : 0.0; });
    EXPECT_TRUE(planned(gone, 70).empty()) << "nothing says so";
    gone.event(59, Scene::lab("node", "jm"), "clean-stop", "RECEIVED SIGNAL 15: SIGTERM", {{"node", "jm"}});
    ASSERT_EQ(planned(gone, 70).size(), 1U);
    EXPECT_EQ(planned(gone, 70)[0].fields.at("explains"), "true");
    Scene back = gone;
    back.series("process_up", {{"node", "jm-2"}, {"role", "jobmanager"}}, [](int) { return 1.0; });
    EXPECT_EQ(planned(back, 70).size(), 1U) << "another one is not meant";
}

TEST(PlannedTaskManager, AKilledOneIsNone) {
    Scene scene = task_manager(60);
    scene.event(61, Scene::lab("job", "orders"), "exception",
                "org.apache.flink.runtime.io.network.netty.exception.RemoteTransportException: Connection unexpectedly "
                "closed by remote task manager 'tm-1'");
    EXPECT_TRUE(planned(scene, 70).empty());
    Scene failed = task_manager(60);
    failed.constant("process_stopped_in_order", {{"node", "tm-1"}, {"role", "taskmanager"}}, 0);
    EXPECT_TRUE(planned(failed, 70).empty());
}

TEST(PlannedTaskManager, NothingWithoutAWordOfItsEnd) {
    EXPECT_TRUE(planned(task_manager(60), 70).empty());
    Scene other = task_manager(60);  // Another node's, and one of an earlier stop.
    other.event(59, Scene::lab("node", "tm-2"), "clean-stop", "RECEIVED SIGNAL 15: SIGTERM", {{"node", "tm-2"}});
    EXPECT_TRUE(planned(other, 70).empty());
}

TEST(PlannedTaskManager, TwoAtOnceAreADoubt) {
    Scene scene = task_manager(60);
    scene.event(59, Scene::lab("node", "tm-1"), "clean-stop", "RECEIVED SIGNAL 15: SIGTERM", {{"node", "tm-1"}})
        .series("process_up", {{"node", "tm-3"}, {"role", "taskmanager"}}, [](int s) { return s < 65 ? 1.0 : 0.0; });
    EXPECT_TRUE(explains(planned(scene, 64).at(0)));
    EXPECT_FALSE(explains(planned(scene, 66).at(0)));
    scene.event(10, Scene::lab("node", "tm-3"), "maintenance", "gone for good",
                {{"until_ms", std::to_string(Scene::at(600).unix_ms)}});
    EXPECT_TRUE(explains(planned(scene, 66).at(0))) << "the other one was told of";
}

Scene worker(bool clean, bool tasks_seen = true) {
    Scene scene;
    scene.series("connect_worker_reachable", {{"worker", "w1"}}, [](int s) { return s < 60 ? 1.0 : 0.0; })
        .constant("connect_worker_reachable", {{"worker", "w2"}}, 1);
    const auto task = [](const char* state) {
        return Pairs{{"connector", "c"}, {"task", "0"}, {"state", state}, {"worker", "w1"}};
    };
    if (!tasks_seen) return scene;
    scene.series("connect_task_state", task("RUNNING"), [=](int s) { return s < 59 || !clean ? 1.0 : 0.0; });
    scene.series("connect_task_state", task("UNASSIGNED"), [=](int s) { return s < 59 || !clean ? 0.0 : 1.0; });
    return scene;
}

TEST(PlannedWorker, OneThatTookItsTasksOutOfServiceLeftInOrder) {
    const auto found = planned(worker(true), 62);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].subject, Scene::lab("worker", "w1"));
    EXPECT_TRUE(explains(found[0]));
}
TEST(PlannedWorker, AKilledOnesTasksAreToldAsRunning) { EXPECT_TRUE(planned(worker(false), 70).empty()); }
TEST(PlannedWorker, NothingWhereItsTasksWereNotSeen) { EXPECT_TRUE(planned(worker(true, false), 70).empty()); }

Scene job(const char* end) {
    Scene scene;
    scene.series("flink_job_state", {{"job", "orders"}, {"state", "RUNNING"}}, [](int s) { return s < 60 ? 1.0 : 0.0; })
        .series("flink_job_state", {{"job", "orders"}, {"state", end}}, [](int s) { return s < 60 ? 0.0 : 1.0; });
    return scene;
}

TEST(PlannedJob, EndedByRequest) {
    for (const char* end : {"CANCELED", "FINISHED"}) {
        const auto found = planned(job(end), 65);
        ASSERT_EQ(found.size(), 1U) << end;
        EXPECT_EQ(found[0].subject, Scene::lab("job", "orders"));
    }
}
TEST(PlannedJob, OneThatFailedIsNone) {
    EXPECT_TRUE(planned(job("FAILED"), 65).empty());
    Scene failing = job("CANCELED");
    failing.event(50, Scene::lab("job", "orders"), "exception", "java.lang.IllegalStateException: x");
    EXPECT_TRUE(planned(failing, 65).empty()) << "somebody gave up on a failing job";
}
TEST(PlannedJob, NothingWhereNobodySawItRun) {
    Scene scene;
    scene.constant("flink_job_state", {{"job", "orders"}, {"state", "CANCELED"}}, 1);
    EXPECT_TRUE(planned(scene, 65).empty());
}

Scene connector(const char* state) {
    Scene scene;
    scene.constant("connect_connector_state", {{"connector", "c"}, {"state", state}, {"worker", "w1"}}, 1);
    return scene;
}
TEST(PlannedConnector, PausedOrStopped) {
    EXPECT_EQ(planned(connector("PAUSED"), 5).size(), 1U);
    EXPECT_EQ(planned(connector("STOPPED"), 5).size(), 1U);
}
TEST(PlannedConnector, OneThatFailedOrRunsIsNone) {
    EXPECT_TRUE(planned(connector("FAILED"), 5).empty());
    EXPECT_TRUE(planned(connector("RUNNING"), 5).empty());
}
TEST(PlannedConnector, NothingWhereItsStateIsNotFresh) {
    Scene scene;
    scene.series("connect_connector_state", {{"connector", "c"}, {"state", "PAUSED"}, {"worker", "w1"}},
                 [](int s) { return s < 5 ? std::optional(1.0) : std::nullopt; });
    EXPECT_TRUE(planned(scene, 60).empty());
}

// Deployed at 10 s; its task or job is up again at `up`.
Scene deployed(const char* kind, int up, std::map<std::string, std::string> fields = {{"before", "j0"}}) {
    Scene scene;
    const bool job = std::string_view(kind) == "job";
    const Pairs who = job ? Pairs{{"job", "orders"}} : Pairs{{"connector", "orders"}, {"task", "0"}};
    for (const char* state : {"RUNNING", "RESTARTING"}) {
        Pairs labels = who;
        labels.push_back({"state", state});
        const bool running = std::string_view(state) == "RUNNING";
        scene.series(job ? "flink_job_state" : "connect_task_state", labels,
                     [=](int s) { return (s < 10 || s >= up) == running ? 1.0 : 0.0; });
    }
    // What wakes the analyzer, whatever is deployed.
    scene.constant("process_up", {{"node", "n"}, {"role", "broker"}}, 1);
    return scene.event(10, Scene::lab(kind, "orders"), job ? "deployment" : "config-change",
                       job ? "job j1 started" : "settings changed: tasks.max", std::move(fields));
}
TEST(PlannedDeploy, ANewVersionAndChangedSettingsExplainAShortRestart) {
    for (const char* kind : {"job", "connector"}) {
        const auto found = planned(deployed(kind, 40), 30);
        ASSERT_EQ(found.size(), 1U) << kind;
        EXPECT_EQ(found[0].fields.at("kind"), "deploy");
        EXPECT_EQ(found[0].fields.at("explains"), "true");
        EXPECT_EQ(found[0].subject, Scene::lab(kind, "orders"));
        EXPECT_TRUE(planned(deployed(kind, 40), 60).empty()) << "up again: " << kind;
    }
}
TEST(PlannedDeploy, NeitherALongAbsenceNorAFailureNorAFirstStartIsExplained) {
    EXPECT_TRUE(planned(deployed("job", 1'000), 140).empty()) << "longer than a deployment takes";
    EXPECT_TRUE(planned(deployed("job", 40, {}), 30).empty()) << "it replaced nothing";
    Scene failing = deployed("job", 40);
    failing.event(20, Scene::lab("job", "orders"), "exception", "java.lang.NullPointerException: x");
    const auto found = planned(failing, 30);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("explains"), "false");
    Scene task = deployed("connector", 40);
    task.event(20, Scene::lab("connector-task", "orders/0"), "exception", "java.io.IOException: x");
    EXPECT_EQ(planned(task, 30).at(0).fields.at("explains"), "false");
}
TEST(PlannedDeploy, WithoutADeploymentThatWasSeenNothing) {
    Scene scene;
    scene.series("flink_job_state", {{"job", "orders"}, {"state", "RESTARTING"}}, [](int s) { return s < 10 ? 0 : 1; });
    EXPECT_TRUE(planned(scene, 30).empty());
}

Scene told(int minutes) {
    Scene scene;
    scene.constant("process_up", {{"node", "n"}, {"role", "broker"}}, 1)
        .event(10, Scene::lab("broker", "2"), "maintenance", "new disks",
               {{"until_ms", std::to_string(Scene::at(10 + minutes * 60).unix_ms)}, {"by", "ann"}});
    return scene;
}
TEST(PlannedNotice, HoldsUntilItsEnd) {
    const auto found = planned(told(1), 60);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].fields.at("kind"), "maintenance");
    EXPECT_NE(found[0].summary.find("ann"), std::string::npos);
    EXPECT_TRUE(planned(told(1), 71).empty());
}
TEST(PlannedNotice, NothingWithoutAnEndOrOfAnotherKind) {
    Scene scene;
    scene.constant("process_up", {{"node", "n"}, {"role", "broker"}}, 1)
        .event(10, Scene::lab("broker", "2"), "maintenance", "for ever")
        .event(10, Scene::lab("job", "orders"), "deployment", "v2");
    EXPECT_TRUE(planned(scene, 20).empty());
}

}  // namespace
}  // namespace medic::analyzers
