// An operator rolls the brokers one by one while records are written: no incident. A broker that is killed: one.
#include <atomic>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/contract/agent_scene.h"
#include "tests/contract/kafka_cluster.h"

namespace medic::contract {
namespace {

constexpr int brokers = 3;

class PlannedWork : public ::testing::Test {
protected:
    void SetUp() override {
        cluster_.create_topic("load", 6, 3);
        std::string nodes;
        for (int id = 1; id <= brokers; ++id) {
            tell_pid(id);
            const auto name = "broker-" + std::to_string(id);
            nodes += "      - {name: " + name + ", role: broker, driver: {kind: command, status: [cat, " +
                     (scene_.folder / (name + ".json")).string() + "]}}\n";
        }
        std::string bootstrap;
        for (const auto& address : cluster_.bootstrap()) bootstrap += (bootstrap.empty() ? "'" : ", '") + address + "'";
        scene_.write(
            "medic.yaml",
            "schema: 1\ndata_dir: data\napi: {listen: 127.0.0.1:0}\nclusters:\n  lab:\n    kafka: {bootstrap: [" +
                bootstrap + "]}\n    nodes:\n" + nodes);
        scene_.start();
        ASSERT_TRUE(AgentScene::wait([&] {
            // Ready: everything was looked at once. Before that the two gauges are 0 as well.
            return scene_.ask("/-/ready").status == 200 && gauge("medic_targets_blind") == 0 &&
                   gauge("medic_symptoms") == 0;
        })) << scene_.read("out.log");
    }

    // What the node's driver would say.
    void tell_pid(int id) {
        scene_.write("broker-" + std::to_string(id) + ".json",
                     R"({"pid": )" + std::to_string(cluster_.broker_pid(id)) + "}");
    }
    [[nodiscard]] double gauge(const std::string& name) const {
        const auto page = scene_.ask("/metrics");
        const auto at = page.body.find("\n" + name + " ");
        return at == std::string::npos ? -1 : std::atof(page.body.c_str() + at + name.size() + 2);
    }
    [[nodiscard]] nlohmann::json incidents() const {
        const auto answer = scene_.ask("/api/v1/incidents");
        return nlohmann::json::parse(answer.body).at("incidents");
    }

    KafkaCluster cluster_{brokers};
    AgentScene scene_;
};

TEST_F(PlannedWork, a_roll_under_load_is_no_incident_and_a_kill_is_one) {
    std::atomic<bool> enough = false;
    int written = 0;
    std::string failures;
    std::thread load([&] {
        while (!enough) {
            const auto made = cluster_.kcat({"-P", "-t", "load", "-X", "acks=all"}, "one\ntwo\nthree\n");
            if (made.exit_code == 0)
                ++written;
            else
                failures += fmt::format("exit code {}: {}\n", made.exit_code, made.err);
        }
    });
    for (int id = 1; id <= brokers; ++id) {
        EXPECT_EQ(cluster_.stop_broker(id), 0);
        // Long enough for the rules to hold that it is missing.
        EXPECT_TRUE(AgentScene::wait([&] { return gauge("medic_symptoms") >= 2; })) << "broker " << id;
        EXPECT_EQ(incidents().size(), 0U) << "broker " << id << ": " << incidents().dump(2);
        cluster_.start_broker(id);
        tell_pid(id);
        EXPECT_TRUE(AgentScene::wait([&] { return gauge("medic_symptoms") == 0; })) << "broker " << id;
    }
    EXPECT_EQ(incidents().size(), 0U) << incidents().dump(2);
    enough = true;
    load.join();
    EXPECT_GT(written, 0);
    EXPECT_EQ(failures, "");

    cluster_.kill_broker(2);
    EXPECT_TRUE(AgentScene::wait([&] { return !incidents().empty(); }));
    EXPECT_TRUE(AgentScene::wait([&] { return gauge("medic_symptoms") >= 2; }));
    const auto told = incidents();
    ASSERT_EQ(told.size(), 1U) << told.dump(2);
    EXPECT_NE(told[0].dump().find("kafka.broker-lost"), std::string::npos) << told.dump(2);
}

}  // namespace
}  // namespace medic::contract
