#include "agent/practice/choice.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "agent/store/kafka_words.h"

namespace medic::practice {
namespace {

constexpr WallTime now{1'700'000'000'000};

NodeConfig node(const std::string& name, const std::string& role, bool spare = false) {
    NodeConfig one{.name = name, .role = role, .spare = spare, .zone = "", .disks = {}, .driver = {}};
    one.driver.kind = NodeDriverConfig::Kind::command;
    for (const char* action : {"status", "start", "start_spare", "stop", "kill"})
        one.driver.commands[action] = {"true"};
    return one;
}

// A healthy cluster: two task managers at work and a spare, two workers, three brokers, a job manager.
struct Scene {
    ClusterConfig cluster;
    Standing standing;

    Scene() {
        cluster.name = "staging";
        cluster.nodes = {
            node("tm-1", "taskmanager"),   node("tm-2", "taskmanager"),   node("tm-3", "taskmanager", true),
            node("w-1", "connect-worker"), node("w-2", "connect-worker"), node("kafka-1", "broker"),
            node("kafka-2", "broker"),     node("kafka-3", "broker"),     node("jm", "jobmanager")};
        standing.cluster = "staging";
        standing.at = now;
        standing.reported_at = standing.operations_at = now;
        standing.targets = 12;
        standing.pause_file = false;
        int broker = 0;
        for (const NodeConfig& one : cluster.nodes) {
            NodeStanding& known = standing.nodes.emplace_back(
                NodeStanding{.name = one.name, .role = one.role, .spare = one.spare, .up = true, .stopped = false});
            if (one.role == "broker") {
                known.broker = std::to_string(++broker);
                known.needed_by = std::string(needed_by_nothing);
            }
            if (one.role == "taskmanager") {
                known.slots = 2;
                known.slots_free = one.spare ? 2 : 0;
            }
        }
        standing.modes = {{"flink.job-lost", "flink.start-lost-job", "auto", "policy.yaml:3:5 says auto"}};
    }
    NodeStanding& at(const std::string& name) { return *std::ranges::find(standing.nodes, name, &NodeStanding::name); }
    [[nodiscard]] Possibility of(const std::string& fault, const std::string& name,
                                 const ChoiceOptions& options = {}) const {
        for (const Possibility& one : possibilities(cluster, standing, options))
            if (one.fault->name == fault && one.node == name) return one;
        ADD_FAILURE() << fault << " on " << name << " is not judged";
        return {};
    }
    [[nodiscard]] std::string why_not(const std::string& fault, const std::string& name) const {
        std::string all;
        for (const std::string& one : of(fault, name).why_not) all += one + "\n";
        return all;
    }
};

TEST(Choice, the_first_node_with_work_is_taken) {
    Scene scene;
    EXPECT_TRUE(objections(scene.standing).empty());
    scene.at("tm-1").slots_free = 2;
    const auto all = possibilities(scene.cluster, scene.standing);
    EXPECT_EQ(choose(all, "taskmanager-lost", "")->node, "tm-2");
    EXPECT_EQ(choose(all, "taskmanager-lost", "tm-1")->node, "tm-1") << "a person may name an idle one";
    EXPECT_EQ(choose(all, "broker-lost", "")->node, "kafka-1");
    EXPECT_EQ(choose(all, "worker-frozen", "w-2")->node, "w-2");
}

TEST(Choice, a_fault_or_node_that_does_not_exist_is_wrong_usage) {
    const Scene scene;
    const auto all = possibilities(scene.cluster, scene.standing);
    EXPECT_EQ(choose(all, "node-lost", "").error().code, ErrorCode::invalid);
    EXPECT_TRUE(choose(all, "node-lost", "").error().message.contains("taskmanager-lost"));
    EXPECT_EQ(choose(all, "taskmanager-lost", "kafka-1").error().code, ErrorCode::invalid);
}

TEST(Choice, nothing_is_practised_where_the_configuration_does_not_allow_it) {
    EXPECT_EQ(not_allowed({.allowed = true, .where = "staging.yaml:12:5"}, "staging", "staging.yaml"), "");
    const std::string why = not_allowed({.where = "staging.yaml:12:5"}, "staging", "staging.yaml");
    for (const char* part : {"staging.yaml:12:5", "`drills`", "`drills: allowed`", "clusters.staging"})
        EXPECT_TRUE(why.contains(part)) << why;
}

TEST(Choice, a_spare_a_dead_and_an_unknown_node_are_no_patients) {
    Scene scene;
    EXPECT_TRUE(scene.why_not("taskmanager-lost", "tm-3").contains("spare"));
    scene.at("tm-1").up = false;
    EXPECT_TRUE(scene.why_not("taskmanager-lost", "tm-1").contains("does not run"));
    scene.at("tm-2").up.reset();
    EXPECT_TRUE(scene.why_not("taskmanager-lost", "tm-2").contains("not known"));
    scene.at("w-1").stopped = true;
    EXPECT_TRUE(scene.why_not("worker-frozen", "w-1").contains("stopped already"));
    std::erase_if(scene.standing.nodes, [](const NodeStanding& one) { return one.name == "w-2"; });
    EXPECT_TRUE(scene.why_not("worker-lost", "w-2").contains("another configuration"));
}

TEST(Choice, a_broker_is_killed_only_where_every_partition_and_the_quorum_survive) {
    Scene scene;
    EXPECT_EQ(scene.why_not("broker-lost", "kafka-2"), "");
    scene.at("kafka-2").needed_by = "below min.insync.replicas without it: orders-0";
    EXPECT_TRUE(scene.why_not("broker-lost", "kafka-2").contains("orders-0"));
    scene.at("kafka-2").needed_by.reset();
    EXPECT_TRUE(scene.why_not("broker-lost", "kafka-2").contains("is not known"));
    scene.at("kafka-2").needed_by = std::string(needed_by_nothing);
    scene.at("kafka-2").logs_to_recover = 3;
    EXPECT_TRUE(scene.why_not("broker-frozen", "kafka-2").contains("recovering its logs"));
    scene.at("kafka-1").broker.clear();
    EXPECT_TRUE(scene.why_not("broker-lost", "kafka-1").contains("which broker runs on kafka-1"));
}

TEST(Choice, none_works_alone_while_others_of_its_role_are_not_known_to) {
    Scene scene;
    scene.at("w-2").up.reset();
    EXPECT_TRUE(scene.why_not("worker-lost", "w-1").contains("blast-radius"));
    // The only one of its role has no others; what that costs is said.
    std::erase_if(scene.cluster.nodes, [](const NodeConfig& one) { return one.name == "w-2"; });
    std::erase_if(scene.standing.nodes, [](const NodeStanding& one) { return one.name == "w-2"; });
    const Possibility only = scene.of("worker-lost", "w-1");
    EXPECT_TRUE(only.possible());
    EXPECT_EQ(only.notes, std::vector<std::string>{"it is the only one of its role that is up"});
}

TEST(Choice, what_the_driver_can_not_undo_is_not_made) {
    Scene scene;
    auto& driver = scene.cluster.nodes[0].driver;
    driver.commands.erase("start");
    EXPECT_TRUE(scene.why_not("taskmanager-lost", "tm-1").contains("`start`"));
    driver.commands.erase("status");
    EXPECT_TRUE(scene.why_not("taskmanager-frozen", "tm-1").contains("`status`"));
    driver = {};
    EXPECT_TRUE(scene.why_not("taskmanager-lost", "tm-1").contains("no driver"));
    driver.kind = NodeDriverConfig::Kind::agent;
    driver.actions = {"status", "start", "kill"};
    EXPECT_EQ(scene.why_not("taskmanager-lost", "tm-1"), "");
    EXPECT_TRUE(scene.why_not("taskmanager-frozen", "tm-1").contains("another host"));
    scene.standing.several_agents = true;
    EXPECT_TRUE(scene.why_not("taskmanager-lost", "tm-1").contains("lease"));
}

TEST(Choice, a_job_manager_goes_only_where_its_jobs_come_back) {
    Scene scene;
    EXPECT_TRUE(scene.of("jobmanager-lost", "jm").possible());
    scene.standing.modes[0].mode = "observe";
    EXPECT_TRUE(scene.why_not("jobmanager-lost", "jm").contains("--highly-available"));
    scene.standing.modes.clear();
    EXPECT_FALSE(scene.of("jobmanager-frozen", "jm").possible());
    EXPECT_TRUE(scene.of("jobmanager-lost", "jm", {.highly_available = true}).possible());
}

TEST(Choice, too_few_slots_elsewhere_are_told_as_a_cost) {
    Scene scene;
    EXPECT_TRUE(scene.of("taskmanager-lost", "tm-1").notes.empty());
    scene.at("tm-3").up = false;
    const Possibility without_spare = scene.of("taskmanager-lost", "tm-1");
    EXPECT_TRUE(without_spare.possible());
    ASSERT_EQ(without_spare.notes.size(), 1u);
    EXPECT_TRUE(without_spare.notes[0].contains("0 free slots of the 2"));
}

TEST(Choice, nobody_practises_in_the_middle_of_something) {
    struct Case {
        const char* what;
        void (*make)(Standing&);
        const char* says;
    };
    const Case cases[] = {
        {"an open incident", [](Standing& s) { s.incidents = {{"I7", "kafka.disk-filling", "observing"}}; }, "I7"},
        {"a pause", [](Standing& s) { s.pauses = {{"staging", "ana", "upgrade"}}; }, "paused by ana: upgrade"},
        {"a pause of all", [](Standing& s) { s.pauses = {{"", "ana", "upgrade"}}; }, "paused by ana"},
        {"a PAUSE file", [](Standing& s) { s.pause_file = true; }, "PAUSE file"},
        {"an unknown PAUSE file", [](Standing& s) { s.pause_file.reset(); }, "not known"},
        {"a reassignment", [](Standing& s) { s.operations = {{"reassignment", "topic", "orders", "kafka"}}; },
         "reassignment"},
        {"nothing known of operations", [](Standing& s) { s.operations_at.reset(); }, "not known what others"},
        {"many targets out of sight", [](Standing& s) { s.blind = 7; }, "can't be seen"},
        {"no look at all", [](Standing& s) { s.reported_at.reset(); }, "no recent look"},
        {"an old look", [](Standing& s) { s.reported_at = now - Duration{60'000}; }, "no recent look"},
        {"a starved agent", [](Standing& s) { s.tick_lateness_seconds = 5; }, "runs 5.0 s late"},
        {"a storm", [](Standing& s) { s.storm_incidents = 12; }, "12 incidents"},
        {"another agent that acts",
         [](Standing& s) {
             s.several_agents = true;
             s.acting_holder = "agent-b";
         },
         "agent-b"},
        {"silences that can't be read", [](Standing& s) { s.silences_problem = "timed out"; }, "timed out"},
    };
    for (const Case& one : cases) {
        Scene scene;
        one.make(scene.standing);
        const auto all = objections(scene.standing);
        ASSERT_EQ(all.size(), 1u) << one.what;
        EXPECT_TRUE(all[0].contains(one.says)) << one.what << ": " << all[0];
    }
}

TEST(Choice, what_somebody_has_silenced_is_left_alone) {
    Scene scene;
    scene.at("tm-1").silenced = "silenced by ana until tomorrow: new disks";
    EXPECT_TRUE(scene.why_not("taskmanager-lost", "tm-1").contains("new disks"));
    EXPECT_EQ(scene.why_not("taskmanager-lost", "tm-2"), "");
}

TEST(Choice, the_standing_goes_to_a_document_and_back) {
    Scene scene;
    scene.at("tm-2").up.reset();
    scene.standing.incidents = {{"I7", "kafka.disk-filling", "observing"}};
    scene.standing.operations = {{"savepoint", "job", "fleet", "flink"}};
    scene.standing.pauses = {{"", "ana", "upgrade"}};
    scene.standing.storm_incidents = 3;
    scene.standing.several_agents = true;
    scene.standing.acting_holder = "b";
    const std::string text = standing_document(scene.standing);
    const auto back = read_standing_document(text);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(standing_document(*back), text);
    EXPECT_FALSE(back->node("tm-2")->up.has_value()) << "absence is told as absence";
    EXPECT_TRUE(back->node("tm-1")->up.value());
    for (const char* bad : {"", "{}", "[]", "{\"schema\":2,\"cluster\":\"x\"}", "{\"schema\":1}"})
        EXPECT_FALSE(read_standing_document(bad)) << bad;
}

}  // namespace
}  // namespace medic::practice
