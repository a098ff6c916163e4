// Two agents watch the same brokers and share a lease: a broker that is lost is started by one of them, by the other
// one once the first is gone.
#include <nlohmann/json.hpp>

#include "tests/contract/agent_scene.h"
#include "tests/contract/kafka_cluster.h"

namespace medic::contract {
namespace {

constexpr int brokers = 3;

class TwoAgents : public ::testing::Test {
protected:
    void SetUp() override {
        first.write("start.sh", "echo \"$1 token=$2\" >> \"$(dirname \"$0\")/starts\"\n");
        std::string nodes, bootstrap;
        for (int id = 1; id <= brokers; ++id) {
            tell_pid(id);
            const auto name = "broker-" + std::to_string(id);
            nodes += "      - {name: " + name + ", role: broker, driver: {kind: command, status: [cat, " +
                     path(name + ".json") + "], kill: ['true'], start: [sh, " + path("start.sh") + ", " + name +
                     ", '{fencing_token}']}}\n";
            bootstrap +=
                (bootstrap.empty() ? "'" : ", '") + cluster.bootstrap()[static_cast<std::size_t>(id - 1)] + "'";
        }
        for (AgentScene* agent : {&first, &second}) {
            agent->write("medic.yaml",
                         "schema: 1\ndata_dir: data\napi: {listen: 127.0.0.1:0}\nlease: {kind: file, path: " +
                             path("leases.db") + ", ttl: 15s, name: " + (agent == &first ? "first" : "second") +
                             "}\nclusters:\n  lab:\n    kafka: {bootstrap: [" + bootstrap + "]}\n    nodes:\n" + nodes);
            agent->write(
                "policy.yaml",
                "schema: 1\npolicy:\n  - {remedy: node.start-again, cause: \"*\", cluster: lab, mode: auto}\n");
        }
    }
    [[nodiscard]] std::string path(const std::string& name) const { return (first.folder / name).string(); }
    // What the node's driver would say.
    void tell_pid(int id) const {
        first.write("broker-" + std::to_string(id) + ".json",
                    R"({"pid": )" + std::to_string(cluster.broker_pid(id)) + "}");
    }
    static bool says(const AgentScene& agent, const std::string& what) {
        return AgentScene::wait([&] { return agent.read("out.log").find(what) != std::string::npos; });
    }
    // That the driver was told to start one, by whom.
    bool is_told_to_start(const std::string& line) const {
        return AgentScene::wait([&] { return first.read("starts").find(line) != std::string::npos; });
    }
    void start(int id) {
        cluster.start_broker(id);
        tell_pid(id);
    }

    KafkaCluster cluster{brokers};
    AgentScene first, second;
};

TEST_F(TwoAgents, one_heals_and_the_other_takes_over_when_it_dies) {
    first.start_acting();
    ASSERT_TRUE(says(first, "lab: this agent acts (fencing token 1)")) << first.read("out.log");
    second.start_acting();
    ASSERT_TRUE(says(second, "lab: the agent first acts; this one observes")) << second.read("out.log");

    cluster.kill_broker(2);
    ASSERT_TRUE(is_told_to_start("broker-2 token=1\n")) << first.read("out.log");
    // It stays away until the other agent has found it as well.
    EXPECT_TRUE(says(second, "would do: broker-2 is gone")) << second.read("out.log");
    start(2);
    EXPECT_EQ(second.read("out.log").find("sends "), std::string::npos) << second.read("out.log");
    ASSERT_TRUE(says(first, "healed")) << first.read("out.log");

    first.stop(SIGKILL);
    ASSERT_TRUE(says(second, "lab: this agent acts (fencing token 2)")) << second.read("out.log");
    cluster.kill_broker(3);
    ASSERT_TRUE(is_told_to_start("broker-3 token=2\n")) << second.read("out.log");
    start(3);
    EXPECT_TRUE(says(second, "healed")) << second.read("out.log");
    EXPECT_EQ(first.read("starts"), "broker-2 token=1\nbroker-3 token=2\n");
}

}  // namespace
}  // namespace medic::contract
