// The catalogue's own cases, the ranking, explaining away and abstention.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "classifiers/analyzers/scene_internal.h"
#include "classifiers/diagnosis/catalogue.h"
#include "classifiers/diagnosis/classifier.h"
#include "classifiers/diagnosis/diagnoser.h"

namespace medic {
namespace {

using analyzers::Scene;
using testing::Contains;
using testing::HasSubstr;

const Classifier& classifier() {
    static const Classifier made = [] {
        auto catalogue = Catalogue::load_embedded();
        if (!catalogue) throw std::runtime_error(catalogue.error().message);
        return Classifier{*std::move(catalogue)};
    }();
    return made;
}

Diagnoser new_diagnoser() {
    auto catalogue = Catalogue::load_embedded();
    EXPECT_TRUE(catalogue.has_value());
    return Diagnoser{*std::move(catalogue)};
}

std::vector<Diagnosis> look_with(Diagnoser& diagnoser, const Scene& scene, int seconds,
                                 std::vector<Symptom> symptoms = {}) {
    return scene.after(seconds, [&](View view, const Now& now) {
        const auto findings = analyzers::analyze(view, now);
        view.findings = findings;
        view.symptoms = symptoms;
        return diagnoser.diagnose(view, now);
    });
}

std::vector<Diagnosis> diagnose(const Scene& scene, int seconds, std::vector<Symptom> symptoms = {}) {
    Diagnoser diagnoser = new_diagnoser();
    return look_with(diagnoser, scene, seconds, std::move(symptoms));
}

TEST(Catalogue, EveryCauseHoldsItsOwnCases) {
    std::size_t cases = 0;
    for (const auto& cause : classifier().catalogue().causes())
        for (const auto& one : cause.cases) {
            const auto result = classifier().classify_text(one.text, one.component);
            if (one.is) {
                EXPECT_EQ(result.cause, cause.id) << cause.defined_at << " case " << one.name << "\n"
                                                  << one.text << "\nshape: " << result.shape;
            } else {
                EXPECT_NE(result.cause, cause.id) << cause.defined_at << " case " << one.name << "\n"
                                                  << one.text << "\nshape: " << result.shape;
            }
            ++cases;
        }
    EXPECT_GT(cases, 0U);
}

TEST(Catalogue, EverySignatureIsUsed) {
    for (const auto& signature : classifier().catalogue().signatures()) {
        bool used = false;
        for (const auto& cause : classifier().catalogue().causes())
            for (const auto& clue : cause.clues)
                used = used || (clue.kind == Clue::Kind::signature && clue.id == signature.id);
        EXPECT_TRUE(used) << signature.defined_at << ": no cause refers to " << signature.id;
    }
}

Result<Catalogue> load(std::string causes, std::string signatures = "- {id: s, where: class, re2: X}\n") {
    const std::vector<RuleText> files{{"rules/signatures/a.yaml", std::move(signatures)},
                                      {"rules/causes/a.yaml", std::move(causes)}};
    return Catalogue::load(files);
}
constexpr const char* sound = "- {id: a.b, group: g, side: user, owner: o, explain: e, for: [{signature: s}]}\n";

TEST(Catalogue, RefusesWhatDoesNotExistWithItsPlace) {
    EXPECT_TRUE(load(sound).has_value());
    const auto dangling =
        load("- {id: a.b, group: g, side: user, owner: o, explain: e, for: [{signature: nothing}]}\n");
    ASSERT_FALSE(dangling.has_value());
    EXPECT_THAT(dangling.error().message, HasSubstr("rules/causes/a.yaml:1:3: cause a.b names nothing"));
    EXPECT_FALSE(
        load("- {id: a.b, group: g, side: user, owner: o, explain: e, for: [{finding: nothing}]}\n").has_value());
    EXPECT_FALSE(
        load("- {id: a.b, group: g, side: nobody, owner: o, explain: e, for: [{signature: s}]}\n").has_value());
    EXPECT_FALSE(load("- {id: a.b, group: g, side: user, owner: o, explain: e}\n").has_value());
    EXPECT_FALSE(load(std::string{sound} + sound).has_value());
    const auto broken = load(sound, "- {id: s, where: class, re2: '('}\n");
    ASSERT_FALSE(broken.has_value());
    EXPECT_THAT(broken.error().message, HasSubstr("rules/signatures/a.yaml:1"));
}

TEST(Classifier, TellsWhoseClassALinkageErrorMisses) {
    const auto shape = [](std::string text) { return classifier().classify_text(text, Component::flink).shape; };
    const std::string under_connector = "\n\tat org.apache.iceberg.flink.Sketch.open(Sketch.java:1)";
    EXPECT_THAT(shape("java.lang.NoClassDefFoundError: org/apache/flink/table/Gone" + under_connector),
                HasSubstr(" lacks=flink"));
    EXPECT_THAT(shape("java.lang.NoSuchMethodError: 'void org.apache.iceberg.Table.gone()'" + under_connector),
                HasSubstr(" lacks=own"));
    EXPECT_THAT(shape("java.lang.ClassNotFoundException: org.acme.shaded.com.fast.Map" + under_connector),
                HasSubstr(" lacks=relocated"));
    EXPECT_THAT(shape("java.lang.ClassNotFoundException: Class org.fast.map.impl.Gone not found"
                      "\n\tat com.acme.flink.shaded.org.fast.map.Loader.load(Loader.java:1)"),
                HasSubstr(" lacks=relocated"));
    EXPECT_THAT(shape("java.io.InvalidClassException: com.acme.state.Session; local class incompatible"),
                HasSubstr(" lacks=user"));
    EXPECT_THAT(shape("java.io.InvalidClassException: org.apache.iceberg.flink.Sketch; local class incompatible"),
                HasSubstr(" lacks=connector"));
}

TEST(Classifier, TellsWhoseClassesAFailedCastNames) {
    const auto shape = [](const std::string& message) {
        return classifier().classify_text("java.lang.ClassCastException: " + message, Component::flink).shape;
    };
    EXPECT_THAT(shape("class org.apache.avro.util.Utf8 cannot be cast to class com.acme.Name (unnamed module)"),
                HasSubstr(" cast=library-to-user"));
    EXPECT_THAT(shape("Cannot cast org.apache.flink.table.data.GenericArrayData to java.util.List"),
                HasSubstr(" cast=flink-to-jdk"));
    EXPECT_THAT(shape("[B cannot be cast to java.lang.String"), HasSubstr(" cast=jdk-to-jdk"));
    EXPECT_THAT(shape("no names here"), testing::Not(HasSubstr(" cast=")));
}

TEST(Classifier, KnowsAClassThatIsNotOfTheKindItsNameSays) {
    const auto to_itself = [](std::string from, std::string to) {
        const auto text = "java.lang.ClassCastException: class " + from + " cannot be cast to class " + to + " (x)";
        const auto shape = classifier().classify_text(text, Component::flink).shape;
        return shape.find(" cast_to_itself=yes") != std::string::npos;
    };
    EXPECT_TRUE(to_itself("org.acme.Order", "org.acme.Order"));
    EXPECT_TRUE(to_itself("org.acme.hive.HiveCatalog", "org.acme.api.Catalog"));
    EXPECT_TRUE(to_itself("org.acme.fast.Compiler", "org.acme.api.ICompiler"));
    EXPECT_FALSE(to_itself("org.acme.data.LongRow", "org.acme.data.Row"));      // Siblings, for all one knows.
    EXPECT_FALSE(to_itself("org.acme.hive.HiveCatalog", "com.other.Catalog"));  // Of another project.
    EXPECT_FALSE(to_itself("org.acme.data.OldRow", "org.acme.api.Catalog"));
    EXPECT_FALSE(to_itself("java.util.TreeMap", "java.lang.Map"));
}

TEST(Classifier, AbstainsOnTextThatSaysNothing) {
    for (const char* text : {"", "INFO all is well", "\x01\x02\xff binary"}) {
        const auto result = classifier().classify_text(text, Component::flink);
        EXPECT_EQ(result.cause, "") << text;
        EXPECT_EQ(result.side, Side::unknown);
    }
}

// --- Views
// -------------------------------------------------------------------------------------------------------------

const Subject job = Scene::lab("job", "fleet");
constexpr int fault = 60;

Scene lost_taskmanager() {
    Scene scene;
    const std::vector<LabelPair> node{{"node", "tm-1"}, {"role", "taskmanager"}};
    scene.series("process_up", node, [](int s) { return s < fault ? 1.0 : 0.0; })
        .series("flink_taskmanager_registered", {{"taskmanager", "tm-1"}}, [](int s) { return s <= fault ? 1.0 : 0.0; })
        .series("flink_subtask_state",
                {{"job", "fleet"}, {"vertex", "v"}, {"subtask", "0"}, {"taskmanager", "tm-1"}, {"state", "RUNNING"}},
                [](int s) { return s < fault ? std::optional{1.0} : std::nullopt; })
        .series("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}},
                [](int s) { return s <= fault ? std::optional{1.0} : std::nullopt; })
        .series("flink_job_state", {{"job", "fleet"}, {"state", "RESTARTING"}},
                [](int s) { return s > fault ? std::optional{1.0} : std::nullopt; })
        .attribute(job, "id", "j1")
        .event(fault + 1, job, "exception",
               "org.apache.flink.runtime.io.network.netty.exception.RemoteTransportException: Connection unexpectedly "
               "closed by remote "
               "task manager 'tm-1'. This might indicate that the remote task manager was lost.\n");
    return scene;
}

TEST(Diagnoser, LostTaskManagerExplainsTheTransportErrorsOfItsPeers) {
    const auto told = diagnose(lost_taskmanager(), fault + 3);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].cause, "flink.taskmanager-lost");
    EXPECT_EQ(told[0].side, Side::system);
    EXPECT_EQ(told[0].subject, Scene::lab("taskmanager", "tm-1"));
    EXPECT_EQ(told[0].facts.at("node"), "tm-1");
    EXPECT_EQ(told[0].facts.at("job_id"), "j1");
    EXPECT_GE(told[0].confidence, 0.9);
    EXPECT_THAT(told[0].remedies, Contains("flink.replace-taskmanager"));
    EXPECT_THAT(told[0].effects, Contains(HasSubstr("flink.peer-lost")));
}

Symptom waits_for_slots() {
    Symptom symptom;
    symptom.id = "FlinkJobWaitsForSlots";
    symptom.subject = job;
    symptom.since = Scene::at(fault);
    return symptom;
}

TEST(Diagnoser, AJobOfWhichNothingRunsForWantOfSlotsIsTheClustersTrouble) {
    Scene scene;
    scene.constant("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}}, 1);
    const auto told = diagnose(scene, fault + 3, {waits_for_slots()});
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].cause, "flink.no-slots");
    EXPECT_EQ(told[0].side, Side::system);
    EXPECT_EQ(told[0].subject, job);
    EXPECT_TRUE(diagnose(scene, fault + 3).empty()) << "RUNNING, and nothing is told of its tasks";
}

TEST(Diagnoser, WantOfSlotsIsAnEffectOfALostTaskManager) {
    const auto told = diagnose(lost_taskmanager(), fault + 3, {waits_for_slots()});
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].cause, "flink.taskmanager-lost");
    EXPECT_THAT(told[0].effects, Contains(HasSubstr("flink.no-slots")));
}

// The task manager has a successor and the job runs again, but its exception is still told.
Scene replaced_taskmanager(int healed) {
    Scene scene;
    scene
        .series("process_up", {{"node", "tm-1"}, {"role", "taskmanager"}},
                [=](int s) { return s < fault || s >= healed ? 1.0 : 0.0; })
        .series("flink_taskmanager_registered", {{"taskmanager", "tm-1"}},
                [=](int s) { return s <= fault || s >= healed ? 1.0 : 0.0; })
        .series("flink_subtask_state",
                {{"job", "fleet"}, {"vertex", "v"}, {"subtask", "0"}, {"taskmanager", "tm-1"}, {"state", "RUNNING"}},
                [](int s) { return s < fault ? std::optional{1.0} : std::nullopt; })
        .constant("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}}, 1)
        .event(fault + 1, job, "exception",
               "org.apache.flink.runtime.io.network.netty.exception.RemoteTransportException: Connection unexpectedly "
               "closed by remote task manager 'tm-1'.\n");
    return scene;
}

TEST(Diagnoser, WhatAHealedCauseExplainedIsNoTroubleOfItsOwnAfterIt) {
    const Scene scene = replaced_taskmanager(fault + 6);
    Diagnoser diagnoser = new_diagnoser();
    ASSERT_EQ(look_with(diagnoser, scene, fault + 3).at(0).cause, "flink.taskmanager-lost");
    const auto told = look_with(diagnoser, scene, fault + 20);
    EXPECT_TRUE(told.empty()) << told.front().summary;
    // One that saw nothing of the cause can only tell the exception.
    ASSERT_EQ(diagnose(scene, fault + 20).size(), 1U);
}

TEST(Diagnoser, AnEffectThatComesAgainAfterItsCauseWasHealedIsTold) {
    Scene scene = replaced_taskmanager(fault + 6);
    Diagnoser diagnoser = new_diagnoser();
    ASSERT_EQ(look_with(diagnoser, scene, fault + 3).at(0).cause, "flink.taskmanager-lost");
    scene.event(fault + 200, job, "exception",
                "org.apache.flink.runtime.io.network.netty.exception.RemoteTransportException: Connection unexpectedly "
                "closed by remote task manager 'tm-2'.\n");
    const auto told = look_with(diagnoser, scene, fault + 212);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].cause, "flink.peer-lost");
}

TEST(Diagnoser, WithoutSightOfTheProcessOnlyThePeersReportRemains) {
    Scene scene;
    scene.event(fault, job, "exception",
                "org.apache.flink.runtime.io.network.netty.exception.RemoteTransportException: Connection unexpectedly "
                "closed by remote task manager 'tm-1'.\n");
    EXPECT_TRUE(diagnose(scene, fault + 3).empty());  // The next looks may show who is gone.
    const auto told = diagnose(scene, fault + 12);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].cause, "flink.peer-lost");
    EXPECT_TRUE(told[0].remedies.empty());
}

const char* null_in_user_code =
    "java.lang.NullPointerException: record of topic events partition 1 offset 42\n"
    "\tat fleet::Enrich::map(fleet::Event const&)(libfleet_v2.so+0x1f2)\n"
    "\tat medic::engine::flow::Task::run()(medic-engine+0x2)\n";

// Its failure is thrown by Flink's own code, so that no regression of user code is found: the version to go back to is
// known from the runs before.
TEST(Diagnoser, StateThatNoLongerFitsNamesTheVersionThatRanWellBefore) {
    Scene scene;
    scene
        .event(fault, job, "exception",
               "org.apache.flink.util.StateMigrationException: The new state serializer "
               "(org.apache.flink.api.java.typeutils.runtime.PojoSerializer@1) must not be incompatible with the old "
               "state serializer (org.apache.flink.api.java.typeutils.runtime.PojoSerializer@2).\n\tat "
               "org.apache.flink.contrib.streaming.state.RocksDBKeyedStateBackend.updateRestoredStateMetaInfo("
               "RocksDBKeyedStateBackend.java:1)\n")
        .attribute(job, "id", "j2")
        .attribute(job, "version", "v3");
    auto told = diagnose(scene, fault + 3);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].cause, "flink.state-incompatible");
    EXPECT_FALSE(told[0].facts.contains("last_good_version"));  // Never seen: nobody guesses one.
    EXPECT_FALSE(told[0].facts.contains("flink")) << "the cluster's only one";
    scene.attribute(job, "last_good_version", "v1").attribute(job, "flink", "jm-1:8081");
    told = diagnose(scene, fault + 3);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].facts.at("version"), "v3");
    EXPECT_EQ(told[0].facts.at("last_good_version"), "v1");
    EXPECT_EQ(told[0].facts.at("flink"), "jm-1:8081");
    EXPECT_EQ(told[0].remedies.front(), "flink.roll-back");
}

TEST(Diagnoser, BadDeploymentIsTheUsersWithFrameRecordAndVersions) {
    Scene scene;
    scene.event(0, job, "deployment", "", {{"job_id", "j1"}, {"version", "v1"}})
        .event(50, job, "deployment", "", {{"job_id", "j2"}, {"before", "j1"}, {"version", "v2"}})
        .event(fault, job, "exception", null_in_user_code)
        .event(fault + 2, job, "exception", null_in_user_code)
        .attribute(job, "id", "j2");
    const auto told = diagnose(scene, fault + 3);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].cause, "flink.null-dereference");
    EXPECT_EQ(told[0].side, Side::user);
    EXPECT_EQ(told[0].facts.at("version"), "v2");
    EXPECT_EQ(told[0].facts.at("last_good_version"), "v1");
    EXPECT_THAT(told[0].facts.at("frame"), HasSubstr("fleet::Enrich::map"));
    EXPECT_EQ(told[0].facts.at("record_offset"), "42");
    EXPECT_EQ(told[0].remedies.front(), "flink.roll-back");
}

// A cause about a connector shows in its tasks: Connect's API has their traces, and names them by task alone.
TEST(Diagnoser, WhatIsWrongWithAConnectorIsToldFromTheTraceOfItsTask) {
    const Subject task = Scene::lab("connector-task", "audit/0");
    Scene scene;
    scene
        .series("connect_task_state", {{"connector", "audit"}, {"task", "0"}, {"state", "FAILED"}},
                [](int s) { return s >= fault ? std::optional{1.0} : std::nullopt; })
        .event(fault, task, "exception",
               "org.apache.kafka.connect.errors.ConnectException: audit store cannot be opened\n"
               "\tat org.example.audit.AuditSinkTask.put(AuditSinkTask.java:45)\n"
               "\tat org.apache.kafka.connect.runtime.WorkerSinkTask.deliverMessages(WorkerSinkTask.java:606)\n"
               "Caused by: java.sql.SQLException: FATAL: password authentication failed for user \"audit\"\n"
               "\t... 13 more\n");
    const auto told = diagnose(scene, fault + 3);
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told[0].cause, "connect.credentials-wrong");
    EXPECT_EQ(told[0].side, Side::user);
    EXPECT_EQ(told[0].subject, Scene::lab("connector", "audit"));
}

TEST(Diagnoser, BlockedRestartIsTheCauseAndTheFirstExceptionItsBeginning) {
    Scene scene;
    scene
        .series("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}},
                [](int s) { return s < fault ? std::optional{1.0} : std::nullopt; })
        .series("flink_job_state", {{"job", "fleet"}, {"state", "RESTARTING"}},
                [](int s) { return s >= fault ? std::optional{1.0} : std::nullopt; })
        .series(
            "flink_subtask_state",
            {{"job", "fleet"}, {"vertex", "sink"}, {"subtask", "0"}, {"taskmanager", "tm-1"}, {"state", "CANCELING"}},
            [](int s) { return s >= fault ? std::optional{1.0} : std::nullopt; })
        .constant("flink_taskmanager_registered", {{"taskmanager", "tm-1"}}, 1)
        .constant("flink_taskmanager_heartbeat_age_seconds", {{"taskmanager", "tm-1"}}, 1)
        .event(fault, job, "exception", null_in_user_code);
    const auto told = diagnose(scene, fault + 10);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].cause, "flink.connector-blocks-restart");
    EXPECT_EQ(told[0].since, Scene::at(fault));
    EXPECT_EQ(told[0].facts.at("first_exception"), "java.lang.NullPointerException");
    EXPECT_EQ(told[0].facts.at("taskmanager"), "tm-1");
}

TEST(Diagnoser, TwoIndependentCausesAreBothTold) {
    Scene scene = lost_taskmanager();
    scene.constant("kafka_log_dir_total_bytes", {{"broker", "2"}, {"log_dir", "/d"}}, 1e9)
        .constant("kafka_log_dir_usable_bytes", {{"broker", "2"}, {"log_dir", "/d"}}, 1e8)
        .constant("kafka_replica_size_bytes",
                  {{"broker", "2"}, {"log_dir", "/d"}, {"topic", "debug"}, {"partition", "0"}}, 9e8);
    const auto told = diagnose(scene, fault + 3);
    ASSERT_EQ(told.size(), 2U);
    const auto& disk = told[0].subject.kind == "log-dir" ? told[0] : told[1];
    EXPECT_EQ(disk.cause, "kafka.disk-nearly-full");
    EXPECT_EQ(disk.facts.at("topic"), "debug");
    EXPECT_EQ(disk.facts.at("broker"), "2");
}

TEST(Diagnoser, TroubleWithoutACauseIsAnAbstentionThatSaysWhatIsMissing) {
    Scene scene;
    scene.event(fault, job, "exception", "???");
    const auto told = diagnose(scene, fault + 3);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_TRUE(told[0].abstains());
    EXPECT_EQ(told[0].subject, job);
    EXPECT_FALSE(told[0].missing.empty());
    EXPECT_TRUE(told[0].remedies.empty());
}

// From second 10 on.
Symptom critical(const std::string& id, const Subject& subject, const std::string& summary) {
    return {id, subject, Scene::at(10), 0, summary, {{"severity", "critical"}}};
}

// Its worker says FAILED, and nobody has its trace.
TEST(Diagnoser, AFailedTaskOfWhichNothingIsKnownIsToldWithWhatItMayBe) {
    const auto told = diagnose(Scene{}, 12,
                               {critical("ConnectTaskFailed", Scene::lab("connector-task", "orders/0"),
                                         "task 0 of connector orders has failed")});
    ASSERT_EQ(told.size(), 1U);
    EXPECT_TRUE(told[0].abstains());
    EXPECT_TRUE(told[0].remedies.empty());
    std::vector<std::string> suspects;
    for (const auto& one : told[0].alternatives) {
        suspects.push_back(one.cause);
        if (suspects.size() > 1) {
            EXPECT_EQ(one.confidence, 0) << "no clue speaks for it";
        }
    }
    EXPECT_LT(told[0].alternatives.front().confidence, 0.5) << "the likeliest is no more than that";
    EXPECT_EQ(suspects,
              (std::vector<std::string>{"connect.task-failed", "connect.option-invalid", "connect.poison-record"}));
}

TEST(Diagnoser, HealthyIsSilent) {
    Scene scene;
    scene.constant("flink_job_state", {{"job", "fleet"}, {"state", "RUNNING"}}, 1)
        .event(10, job, "deployment", "", {{"job_id", "j1"}});
    EXPECT_TRUE(diagnose(scene, 30).empty());
}

TEST(Diagnoser, SymptomAloneCarriesACauseOfItsOwn) {
    const auto told =
        diagnose(Scene{}, 30, {critical("KafkaBrokerDown", Scene::lab("broker", "2"), "broker 2 is missing")});
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].cause, "kafka.broker-lost");
}

Symptom disk_of(const std::string& node) {
    return {"HostDiskNearlyFull", Scene::lab("node", node), Scene::at(12), 0.05, "5% room left", {}};
}

// A broker's log directory at 85 % of its disk, most of it its own replicas.
Scene full_log_dir() {
    Scene scene;
    const auto replica = {LabelPair{"broker", "1"}, {"log_dir", "/d"}, {"topic", "events"}, {"partition", "0"}};
    scene.constant("kafka_log_dir_total_bytes", {{"broker", "1"}, {"log_dir", "/d"}}, 1e9)
        .constant("kafka_log_dir_usable_bytes", {{"broker", "1"}, {"log_dir", "/d"}}, 150e6)
        .constant("kafka_log_dir_online", {{"broker", "1"}, {"log_dir", "/d"}}, 1)
        .constant("kafka_replica_size_bytes", replica, 850e6)
        .relation(Scene::lab("log-dir", "1:/d"), "hosted-by", Scene::lab("broker", "1"));
    return scene;
}

TEST(Diagnoser, AFullDiskOfAHostIsTheFullLogDirectoryThatStandsOnIt) {
    Scene scene = full_log_dir();
    scene.relation(Scene::lab("broker", "1"), "hosted-by", Scene::lab("node", "broker-1"));
    const auto told = diagnose(scene, 30, {disk_of("broker-1")});
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].cause, "kafka.disk-nearly-full");
    EXPECT_THAT(told[0].effects, Contains(HasSubstr("host.disk-nearly-full of")));
}

TEST(Diagnoser, AFullDiskOfAnotherHostIsAnotherMatter) {
    Scene scene = full_log_dir();
    scene.relation(Scene::lab("broker", "1"), "hosted-by", Scene::lab("node", "broker-1"));
    EXPECT_EQ(diagnose(scene, 30, {disk_of("tm-1")}).size(), 2U);
}

TEST(Diagnoser, WhereNobodyKnowsTheBrokersHostBothAreTold) {
    EXPECT_EQ(diagnose(full_log_dir(), 30, {disk_of("broker-1")}).size(), 2U);
}

Symptom log_dir_offline(const std::string& broker) {
    Symptom symptom;
    symptom.id = "KafkaLogDirOffline";
    symptom.subject = Scene::lab("log-dir", broker + ":/data/kafka");
    symptom.since = Scene::at(20);
    return symptom;
}

Scene broker_says_disk_full() {
    Scene scene;
    scene.event(18, Scene::lab("broker", "1"), "log",
                "[2026-11-28 04:12:33,123] ERROR Error while appending records to orders-0 in dir /data/kafka "
                "(kafka.server.LogDirFailureChannel)\njava.io.IOException: No space left on device\n\tat "
                "java.base/sun.nio.ch.FileDispatcherImpl.write0(Native Method)",
                {{"component", "kafka"}});
    return scene;
}

TEST(Logs, ALineSaysWhyWhatIsBrokenBroke) {
    const auto found = diagnose(broker_says_disk_full(), 30, {log_dir_offline("1")});
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found[0].cause, "kafka.disk-full");
    EXPECT_EQ(found[0].subject, Scene::lab("broker", "1"));
    EXPECT_THAT(found[0].evidence, Contains(testing::Field(&Evidence::kind, "log")));
}

TEST(Logs, ALineAloneIsNoTrouble) {
    EXPECT_TRUE(diagnose(broker_says_disk_full(), 30).empty());
    for (const auto& one : diagnose(broker_says_disk_full(), 30, {log_dir_offline("2")}))
        EXPECT_NE(one.cause, "kafka.disk-full");
}

TEST(Logs, WithoutTheLineTheCauseIsNotGuessed) {
    for (const auto& one : diagnose(Scene{}, 30, {log_dir_offline("1")})) EXPECT_NE(one.cause, "kafka.disk-full");
}

}  // namespace
}  // namespace medic
